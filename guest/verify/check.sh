#!/usr/bin/env bash
# Proves that the verifying guest is sound, with no Ferry in it: boots it under TCG and KVM with 1 and 4 vCPUs, gives it
# commands, resets it, checks its memory after QEMU's own migration, and damages a page to see that it notices.
# About a minute. It leaves nothing behind.
#
#   QEMU=qemu-system-x86_64  QEMU_DESTINATION=$QEMU  GUEST_DIR=directory of a built verify.elf
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../bin/lib/install.sh"
[[ -n ${QEMU:-} ]] || ferry_install qemu
ferry_install guest net

QEMU=${QEMU:-qemu-system-x86_64}
QEMU_DESTINATION=${QEMU_DESTINATION:-$QEMU}
work=$(mktemp -d "${TMPDIR:-/tmp}/ferry-verify.XXXXXX")
pids=()
stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill -9 "$pid" || true; done
  wait || true
  pids=()
} 2>/dev/null # bash reports jobs ended by a signal; these are expected
cleanup() {
  local status=$?
  trap - EXIT INT TERM
  ((status == 0)) || { echo "check.sh: FAILED; end of the consoles:" >&2; tail -n 15 "$work"/*.console "$work"/*.log >&2 || true; }
  stop_all
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

die() { echo "check.sh: $*" >&2; exit 1; }
start=$EPOCHREALTIME
say() { printf '%6.1f s  %s\n' "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" "$*"; }

# run SIDE QEMU ARGUMENT...: starts a guest in the background; its console is a file.
run() {
  local side=$1 qemu=$2
  shift 2
  rm -f "$work/$side".*
  "$qemu" -name "verify-$side" -nodefaults -no-user-config -display none -kernel "$guest/verify.elf" \
    -serial "file:$work/$side.console" -monitor "unix:$work/$side.monitor,server=on,wait=off" \
    "$@" >"$work/$side.log" 2>&1 &
  pids+=($!)
}

monitor() { echo "$2" | socat -t 10 - "UNIX:$work/$1.monitor" | tr -d '\r'; }
key() { monitor "$1" "sendkey $2" >/dev/null; }
lines() { cat "$work/$1.console" 2>/dev/null | grep -cE "$2" || true; }

# expect SIDE SECONDS PATTERN [COUNT]: until the console has that many lines like this, while the newest QEMU lives.
expect() {
  local side=$1 deadline=$((SECONDS + $2)) pattern=$3 count=${4:-1}
  until (($(lines "$side" "$pattern") >= count)); do
    kill -0 "${pids[-1]}" 2>/dev/null || die "QEMU ended before: $pattern"
    ((SECONDS < deadline)) || die "not in time: $pattern"
    sleep 0.05
  done
}
sound() { (($(lines "$1" '^(BAD|PANIC|WARN)') == 0)) || die "the console of $1 reports damage"; }
last() { grep -E "$2" "$work/$1.console" | tail -n 1; }

# The buckets of the console: ascending, a sixteenth of a power of two apart at least, and all loads are in them.
histogram() {
  awk -F '[ =]' '/^HIST us=/ {
      edge = int($3 * 1000 + 0.5); loads += $5
      for (step = 1; step * 32 <= edge; step *= 2) {}
      if (edge <= last || edge % step) { print "bucket edge " $3; exit 1 }
      last = edge
    }
    /^HIST end/ { if ($4 != loads) { print "loads " loads; exit 1 } exit }' <(tr -d '\r' <"$work/one.console") ||
    die 'the histogram is not sound'
}

# life ACCELERATOR MACHINE CPUS MIB SECONDS OPTIONS: boot, commands, reset.
life() {
  local accel=$1 machine=$2 cpus=$3 mib=$4 limit=$5
  run one "$QEMU" -accel "$accel" -machine "$machine" -smp "$cpus" -m "$mib" -append "$6"
  expect one "$limit" "^READY pages=[0-9]+ cpus=$cpus ws=[0-9]+ boots=1$"
  say "$accel $machine: $(last one '^READY')"
  expect one 10 '^TICK n=2 '
  key one v
  expect one "$limit" '^VERIFY ok=1 '
  say "$(last one '^VERIFY')"
  key one h
  expect one 5 '^HIST end touches=[1-9]'
  histogram
  key one z
  expect one 5 '^SET histogram=0$'
  key one 5
  expect one 5 '^SET write=50$'
  key one p
  expect one 5 '^SET paused=1$'
  key one p
  expect one 5 '^SET paused=0$'
  monitor one stop >/dev/null
  monitor one cont >/dev/null
  expect one 10 '^TICK n=4 '
  say "$(last one '^TICK')"
  key one r
  expect one "$limit" '^READY .* boots=2$'
  key one v
  expect one "$limit" '^VERIFY ok=1 ' 2
  sound one
  stop_all
}

# A move by QEMU itself: the keyboard, the serial port, the timers and every page have to arrive.
moves() {
  local accel=$1 cpus=$2 mib=$3 limit=$4 append=$5
  local machine=(-accel "$accel" -machine q35 -smp "$cpus" -m "$mib" -append "$append")
  run source "$QEMU" "${machine[@]}"
  expect source "$limit" '^TICK n=1 '
  run destination "$QEMU_DESTINATION" "${machine[@]}" -incoming "unix:$work/migration"
  local deadline=$((SECONDS + 30))
  until [[ -S $work/migration ]]; do ((SECONDS < deadline)) || die 'no destination'; sleep 0.05; done
  monitor source 'migrate_set_parameter max-bandwidth 2g' >/dev/null
  monitor source "migrate -d unix:$work/migration" >/dev/null
  until [[ $(monitor source 'info migrate') == *'status: completed'* ]]; do
    ((SECONDS < deadline)) || die 'the migration does not end'
    sleep 0.1
  done
  expect destination 10 '^TICK ' 2
  key destination v
  expect destination "$limit" '^VERIFY ok=1 '
  say "$accel moved: $(last destination '^VERIFY')"
  key destination r
  expect destination "$limit" '^READY .* boots=2$'
  sound source
  sound destination
  stop_all
  rm -f "$work/migration"
}

# Damages one byte of a page from outside, through the RAM file.
notices() {
  run one "$QEMU" -accel tcg -machine pc,memory-backend=ram -m 64 -append 'rate=10 fill=100' \
    -object "memory-backend-file,id=ram,size=64M,share=on,mem-path=$work/ram"
  expect one 20 '^READY'
  printf '\125' | dd of="$work/ram" bs=1 seek=$((0x2000000 + 100)) conv=notrunc status=none
  key one v
  expect one 10 '^BAD page=0x00002000 cpu=0 word=25 '
  expect one 10 '^VERIFY ok=0 .* bad=1 '
  monitor one nmi >/dev/null
  expect one 5 '^PANIC vector=2 '
  say "noticed: $(last one '^BAD')"
  stop_all
}

guest=${GUEST_DIR:-$work/build}
[[ -n ${GUEST_DIR:-} ]] || make -s -C "$here" OUT="$guest"

life tcg pc 1 256 20 'pattern=seq'
life tcg q35 4 256 20 'pattern=hot rate=2000 fill=80'
moves tcg 2 256 30 'rate=2000 write=50'
notices
if [[ -w /dev/kvm ]]; then
  # Kernel-mode code may be emulated there, a thousand times slower: little memory, and little of it filled.
  life kvm pc 1 64 60 'fill=20'
  life kvm q35 4 64 60 'pattern=random rate=200 fill=20 zero=50'
  moves kvm 2 64 60 'rate=100 fill=20'
else
  say 'SKIPPED with KVM: no access to /dev/kvm'
fi
say 'all good'
