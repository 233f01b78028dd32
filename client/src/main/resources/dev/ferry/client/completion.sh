# The first words of a table, as far as they can be said to a shell as they are: a ferryd, perhaps a distant one, has chosen them.
_ferry_answered() {
  LC_ALL=C awk 'NR > 1 && $1 ~ /^[A-Za-z0-9._][A-Za-z0-9._-]*$/ { print $1 }'
}

# What may come next on a command line of ferry. The arguments: its words after "ferry", of which the last is not finished.
# Prints a word a line, or @files, or @directories.
_ferry_next() {
  local command=ferry position=0 option= value= endpoint=unix:/run/ferry/control.sock word=
  [ -z "${FERRY_ENDPOINT:-}" ] || endpoint=$FERRY_ENDPOINT
  while [ $# -gt 1 ]; do
    word=$1
    shift
    if [ -n "$value" ]; then
      [ "$option" != --endpoint ] || endpoint=$word
      value=
      continue
    fi
    case $word in
      --endpoint=*) endpoint=${word#*=} ;;
      -*=*) ;;
      -*)
        option=$word
        value=$(_ferry_commands "$command" | awk -v o="$word" '$1 == "option" && $2 == o { print $3 }')
        ;;
      *)
        if _ferry_commands "$command" | grep -Fqx "command $word"; then
          command="$command $word"
        else
          position=$((position + 1))
        fi
        ;;
    esac
  done
  case $1 in
    -*=*) value=$(_ferry_commands "$command" | awk -v o="${1%%=*}" '$1 == "option" && $2 == o { print $3 }') ;;
    -*)
      if [ -z "$value" ]; then
        _ferry_commands "$command" | awk '$1 == "option" || $1 == "flag" { print $2 }'
        return
      fi
      ;;
  esac
  if [ -z "$value" ]; then
    _ferry_commands "$command" | awk '$1 == "command" { print $2 }'
    value=$(_ferry_commands "$command" | awk -v n="$position" '$1 == "operand" && n-- == 0 { print $2 }')
  fi
  case $value in
    guest) timeout 5 ferry --endpoint "$endpoint" guest list 2>/dev/null </dev/null | _ferry_answered ;;
    migration) timeout 5 ferry --endpoint "$endpoint" list 2>/dev/null </dev/null | _ferry_answered ;;
    file) echo @files ;;
    directory) echo @directories ;;
    *,*) echo "$value" | tr , '\n' ;;
  esac
}
