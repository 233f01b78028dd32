#!/usr/bin/env bash
# The host's end of the guest's permanent connection (kernel command line: ferry.tcp=ADDRESS:PORT).
#
#   tcp.sh listen ADDRESS PORT FILE   takes one connection, writes each line with the time it came; "CLOSED" at its end
#   tcp.sh report FILE                prints: TCP ok|BAD lines=.. gaps=.. closed=.. silence_ms=.. age_ms=..
#
# The guest sends "LINE n=0 uptime=..", "LINE n=1 ..", one every 100 ms. gaps counts numbers that are not the one before
# plus one, silence_ms is the longest time between two lines, age_ms the time since the last one. The result is BAD (and
# the exit status 1) when there is a gap, when the connection ended, when the last line is older than TCP_MAX_AGE_MS
# (5000: it hangs), or when nothing ever came.
set -euo pipefail
usage() { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }

listen() {
  # No fork: a second connection must be refused, so that a broken one cannot go unnoticed.
  socat -u "TCP-LISTEN:$2,bind=$1,reuseaddr" - | while read -r line; do echo "$EPOCHREALTIME $line"; done >"$3"
  echo "$EPOCHREALTIME CLOSED" >>"$3"
}

report() {
  awk -v now="$EPOCHREALTIME" -v limit="${TCP_MAX_AGE_MS:-5000}" '
    $2 == "CLOSED" { closed = 1; next }
    $2 == "LINE" {
      split($3, number, "=")
      if (lines > 0) {
        if (number[2] != last + 1) gaps++
        if ($1 - time > silence) silence = $1 - time
      } else if (number[2] != 0) gaps++
      last = number[2]; time = $1; lines++
    }
    END {
      age = (now - time) * 1000
      bad = gaps > 0 || closed || lines == 0 || age > limit
      printf "TCP %s lines=%d gaps=%d closed=%d silence_ms=%d age_ms=%d\n", \
        bad ? "BAD" : "ok", lines, gaps, closed, silence * 1000, lines ? age : -1
      exit bad
    }' "$1"
}

case ${1:-} in
  listen) (($# == 4)) || usage; shift; listen "$@" ;;
  report) (($# == 2)) || usage; report "$2" ;;
  *) usage ;;
esac
