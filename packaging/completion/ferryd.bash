# Completion of ferryd(8).
_ferryd() {
  if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --config ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  else
    mapfile -t COMPREPLY < <(compgen -W '--config -h --help -V --version' -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -F _ferryd ferryd
