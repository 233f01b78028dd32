#!/usr/bin/env bash
# Proves that the Linux guest and its harness are sound, with no Ferry in it: boots the guest under TCG, checks its
# disk, memory, network connection and kernel log, moves it with QEMU's own migration to a second QEMU on the other tap,
# and checks everything again. About 20 seconds; needs root. It leaves nothing behind.
#
#   QEMU=qemu-system-x86_64  QEMU_DESTINATION=$QEMU  MACHINE=q35  GUEST_DIR=reuse this build  ACCEL=tcg
# With two different QEMUs, MACHINE has to be a versioned one that both know, such as pc-q35-7.2.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../bin/lib/install.sh"
[[ -n ${QEMU:-} ]] || ferry_install qemu
ferry_install net linux-guest
((EUID == 0)) || { echo 'check.sh: needs root for taps and a network namespace; run it with sudo' >&2; exit 1; }

# In network and process namespaces of its own: addresses collide with nothing, and when this script ends, however it
# ends, the kernel kills what it started and removes the interfaces.
[[ -n ${FERRY_CHECK_INSIDE:-} ]] ||
  FERRY_CHECK_INSIDE=1 exec unshare --net --pid --fork --kill-child -- "$0" "$@"

QEMU=${QEMU:-qemu-system-x86_64} MACHINE=${MACHINE:-q35} ACCEL=${ACCEL:-tcg}
QEMU_DESTINATION=${QEMU_DESTINATION:-$QEMU}
guest_ip=192.168.77.2 host_ip=192.168.77.1 port=7000
work=$(mktemp -d "${TMPDIR:-/tmp}/ferry-linux.XXXXXX")
pids=()
cleanup() {
  local status=$? pid
  trap - EXIT INT TERM
  if ((status)); then
    echo "check.sh: FAILED; end of the consoles:" >&2
    tail -n 15 "$work"/*.console "$work"/*.log >&2 2>/dev/null || true
  fi
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  # bash reports jobs ended by a signal; these are expected.
  wait 2>/dev/null
  "$here/net.sh" down fl || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

die() { echo "check.sh: $*" >&2; exit 1; }
say() { printf '%6.1f s  %s\n' "$(elapsed)" "$*"; }
start=$EPOCHREALTIME
elapsed() { awk "BEGIN { print $EPOCHREALTIME - $start }"; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds, while the newest QEMU lives.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    kill -0 "${pids[-1]}" 2>/dev/null || die "QEMU ended before: $what"
    ((SECONDS < deadline)) || die "no $what in time"
    sleep 0.1
  done
}

# run_qemu QEMU SIDE TAP ARGUMENT...: starts a QEMU in the background. Both sides get the same devices in the same slots.
run_qemu() {
  local qemu=$1 side=$2 tap=$3
  shift 3
  "$qemu" -name "linux-$side" -machine "$MACHINE" -accel "$ACCEL" -smp 2 -m 512 -nodefaults -display none -no-user-config \
    -kernel "$guest/vmlinuz" -initrd "$guest/initramfs.cpio.gz" \
    -append "console=ttyS0 quiet ferry.ip=$guest_ip/24 ferry.tcp=$host_ip:$port" \
    -serial "file:$work/$side.console" -monitor "unix:$work/$side.monitor,server=on,wait=off" \
    -drive "file=$work/disk.qcow2,format=qcow2,if=none,id=disk0" -device virtio-blk-pci,drive=disk0 \
    -netdev "tap,id=net0,ifname=$tap,script=no,downscript=no" \
    -device virtio-net-pci,netdev=net0,mac=52:54:00:00:77:02 \
    -device virtio-rng-pci "$@" >"$work/$side.log" 2>&1 &
  pids+=($!)
}

monitor() { echo "$2" | socat -t 10 - "UNIX:$work/$1.monitor"; }
console_says() { grep -q "$2" "$work/$1.console" 2>/dev/null; }
migration_done() { monitor source 'info migrate' | grep -q 'Migration status: completed'; }

check_guest() {
  local answer
  for question in verify trouble; do
    answer=$("$here/ask.sh" "$guest_ip" "$question")
    say "${answer##*$'\n'}"
    case $answer in
      *'VERIFY ok '* | *'TROUBLE n=0') ;;
      *) die "the guest answered to $question: $answer" ;;
    esac
  done
  say "$("$here/ask.sh" "$guest_ip" time)"
  say "$("$here/tcp.sh" report "$work/lines")"
}

guest=${GUEST_DIR:-$work/guest}
[[ -n ${GUEST_DIR:-} ]] || "$here/build.sh" "$guest"
qemu-img create -q -f qcow2 "$work/disk.qcow2" 256M
"$here/net.sh" up fl "$host_ip/24"
"$here/tcp.sh" listen "$host_ip" "$port" "$work/lines" &
pids+=($!)

say "booting with $("$QEMU" --version | head -n 1), $MACHINE"
run_qemu "$QEMU" source fl-src
wait_for 60 'LINUX READY' console_says source 'LINUX READY'
say 'ready'
wait_for 20 'tick' console_says source 'LINUX TICK n=5 '
check_guest

run_qemu "$QEMU_DESTINATION" destination fl-dst -incoming "unix:$work/migration"
wait_for 10 'destination' test -S "$work/migration"
# The guest writes memory faster than the default of a slow machine would follow; downtime is not the question here.
monitor source 'migrate_set_parameter max-bandwidth 1g' >/dev/null
monitor source 'migrate_set_parameter downtime-limit 500' >/dev/null
monitor source "migrate -d unix:$work/migration" >/dev/null
wait_for 60 'completed migration' migration_done
say "migrated: $(monitor source 'info migrate' | tr -d '\r' | grep -E '^(downtime|total time)' | tr '\n' ' ')"
monitor source quit >/dev/null || true

ticks() { grep -c 'LINUX TICK' "$work/destination.console" || true; }
five_ticks() { (($(ticks) >= 5)); }
wait_for 20 'ticks on the destination' five_ticks
check_guest
! grep -hE 'LINUX (BAD|FAIL|TCP BROKEN)' "$work"/*.console || die 'the console reports damage'

"$here/ask.sh" "$guest_ip" poweroff >/dev/null
wait_for 20 'end of the destination QEMU after poweroff' eval "! kill -0 ${pids[-1]} 2>/dev/null"
say 'powered off; all good'
