# By whitespace and not by bash's own words, which end at every : and =.
_ferry() {
  local words found current
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]] || words+=("")
  current=${words[-1]}
  [[ $current != -*=* ]] || current=${current#*=}
  mapfile -t found < <(_ferry_next "${words[@]:1}")
  case ${found[0]:-} in
    @files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    @directories) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "${found[*]}" -- "$current") ;;
  esac
}
complete -F _ferry ferry
