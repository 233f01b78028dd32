# By whitespace and not by bash's own words, which end at every : and =.
_ferry() {
  local words found current word
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]] || words+=("")
  current=${words[-1]}
  [[ $current != -*=* ]] || current=${current#*=}
  mapfile -t found < <(_ferry_next "${words[@]:1}")
  case ${found[0]:-} in
    @files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    @directories) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) # Not by compgen -W: it expands the words, and runs what they say in $(…).
      COMPREPLY=()
      for word in "${found[@]}"; do
        [[ $word != "$current"* ]] || COMPREPLY+=("$word")
      done
      ;;
  esac
}
complete -F _ferry ferry
