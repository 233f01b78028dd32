#!/bin/sh
# The guest's load, and the judge of its data. Started by /init (fill, run) and by command.sh (verify).
#
# Memory: files of 1 MiB with random content in a tmpfs; one after the other is checked and written anew.
# Disk: files of random size, fsynced, read back from the disk itself (caches dropped); the last KEEP stay.
# The expected checksum of FILE is in FILE.sum beside it. What is wrong is counted and printed on the console.

KEEP=8
mkdir -p /run/ram
cd /run || exit

# One user of the data at a time. mkdir is the lock: it succeeds for one process only, and busybox here has no flock.
lock() { until mkdir /run/lock 2>/dev/null; do sleep 0.05; done; }
unlock() { rmdir /run/lock; }

sum() { sha256sum <"$1" | cut -c 1-64; }

# check FILE: compares the content with its recorded checksum.
check() {
  local want got
  read -r want <"$1.sum" && got=$(sum "$1") && [ "$want" = "$got" ] && return 0
  echo "LINUX BAD $1 want=$want got=$got" >/dev/console
  return 1
}

new_ram() {
  head -c 1048576 /dev/urandom >"ram/$1"
  sum "ram/$1" >"ram/$1.sum"
}

# Content first, checksum second, both on the disk before the next step: after a crash, a file with a checksum is whole.
new_file() {
  local size=$(($(od -An -N2 -tu2 /dev/urandom) * 8 + 1))
  head -c "$size" /dev/urandom >new
  dd if=new of="/disk/$1" bs=64k conv=fsync status=none &&
    sum new | dd of="/disk/$1.sum" conv=fsync status=none
}

sums() { ls "$1" | sed -n 's/\.sum$//p' | sort -n; }
# 4 first: it keeps the kernel from logging every 3.
drop_caches() { echo 4 >/proc/sys/vm/drop_caches; echo 3 >/proc/sys/vm/drop_caches; }

fill() {
  local i=0
  while [ "$i" -lt "$RAM_MIB" ]; do new_ram "$i" || return; i=$((i + 1)); done
}

run() {
  local n=0 bad=0 disk= old file
  grep -q " /disk " /proc/mounts && disk=yes
  # Files from before a reboot: numbering goes on behind them, and they have to be right as well.
  [ -z "$disk" ] || n=$(sums /disk | tail -n 1)
  while :; do
    n=$((n + 1))
    lock
    if [ "$RAM_MIB" -gt 0 ]; then
      check "ram/$((n % RAM_MIB))" || bad=$((bad + 1))
      new_ram "$((n % RAM_MIB))"
    fi
    if [ -n "$disk" ]; then
      new_file "$n" || { bad=$((bad + 1)); echo "LINUX BAD /disk/$n could not be written" >/dev/console; }
      drop_caches
      old=$(sums /disk | head -n 1)
      for file in "$old" "$n"; do check "/disk/$file" || bad=$((bad + 1)); done
      [ "$old" -gt $((n - KEEP)) ] || rm -f "/disk/$old.sum" "/disk/$old"
    fi
    unlock
    echo "files=$(ls /disk | grep -c 'sum$') bad=$bad ram=$RAM_MIB" >state.new
    mv state.new state
    sleep "$PAUSE"
  done
}

# verify: checks everything now and prints one line.
verify() {
  local files=0 bad=0 ram=0 rambad=0 file word=ok
  lock
  drop_caches
  for file in $(sums /disk); do files=$((files + 1)); check "/disk/$file" || bad=$((bad + 1)); done
  for file in $(sums ram); do ram=$((ram + 1)); check "ram/$file" || rambad=$((rambad + 1)); done
  unlock
  [ $((bad + rambad)) = 0 ] || word=BAD
  echo "VERIFY $word files=$files bad=$bad ram=$ram rambad=$rambad"
}

"$1"
