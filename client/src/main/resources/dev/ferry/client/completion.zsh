_ferry() {
  local -a found
  found=("${(@f)$(_ferry_next "${(@)words[2,CURRENT]}")}")
  compset -P '-*='
  case $found[1] in
    @files) _files ;;
    @directories) _files -/ ;;
    *) compadd -a found ;;
  esac
}
_ferry "$@"
