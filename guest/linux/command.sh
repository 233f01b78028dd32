#!/bin/sh
# Serves one connection on TCP port 9: reads one line, answers, closes. See README.md for the commands.

# What in the kernel's log means that a migration did harm. Not every warning: a TCG guest has harmless ones.
TROUBLE='I/O error|EXT4-fs error|blocked for more than|soft lockup|hard lockup|rcu.*stall|unstable|BUG:|Oops|WARNING:|'
TROUBLE=$TROUBLE'NETDEV WATCHDOG|Call Trace|timed out'
# The one that comes with every boot of two vCPUs under TCG, before /init.
HARMLESS='Marking TSC unstable due to TSCs unsynchronized'

stop() {
  echo OK
  # In the background, so that the answer leaves and the connection closes first.
  # The lock is taken and never given back, so that the worker has no file open.
  sh -c "sleep 0.2; until mkdir /run/lock; do sleep 0.05; done; umount /disk; $1 -f" >/dev/null 2>&1 </dev/null &
}

read -r command arguments
case $command in
  verify) worker.sh verify ;;
  dmesg) dmesg ;;
  trouble)
    found=$(dmesg | grep -E "$TROUBLE" | grep -v "$HARMLESS")
    [ -z "$found" ] || echo "$found"
    echo "TROUBLE n=$(echo -n "$found" | grep -c '')"
    ;;
  time)
    read -r up _ </proc/uptime
    # adjtimex is the one way here to the wall clock's microseconds.
    wall=$(adjtimex | awk '/time.tv_sec/ {s = $2} /time.tv_usec/ {u = $2} END {printf "%d.%06d", s, u}')
    echo "TIME uptime=$up wall=$wall clocksource=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
    ;;
  state)
    until read -r line </run/line; do :; done
    echo "STATE $(cat /run/state) tcp=$(cat /run/tcp) line=$line"
    ;;
  sh) sh -c "$arguments" 2>&1 ;;
  poweroff | reboot) stop "$command" ;;
  *) echo "UNKNOWN $command; commands: verify dmesg trouble time state sh poweroff reboot" ;;
esac
