#!/usr/bin/env bash
# Archives the classes that ferryd and ferry load, so that they start in a third of the time: class data sharing, java(1). Started as
# they always are, with a daemon that moves its rehearsal's guests over TLS. The archives fit one JDK and these very jars: where they do not, or are
# missing, Java starts without them and says nothing.
#
#   bin/lib/archive.sh            target/ferryd.jsa and target/ferry.jsa, unless they are newer than the jars
#   bin/lib/archive.sh BIN OUT    OUT/ferryd.jsa and OUT/ferry.jsa, of BIN/ferryd and BIN/ferry
set -euo pipefail
if (($#)); then
  bin=$1 out=$2
else
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  bin=$root/bin out=$root/target
  if [[ $out/ferryd.jsa -nt $root/daemon/target/ferry-daemon.jar && $out/ferry.jsa -nt $root/client/target/ferry-client.jar ]]; then exit 0; fi
  mkdir -p "$out"
  rm -f "$out/ferryd.jsa" "$out/ferry.jsa"
fi

lab=$(mktemp -d /dev/shm/ferry-archive.XXXXXX)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null || true; rm -rf "$lab"' EXIT

"$bin/ferry" tls init --dir "$lab/tls" archive,127.0.0.1 >/dev/null
cat >"$lab/ferryd.toml" <<C
state_dir = "$lab/state"
runtime_dir = "$lab/run"
[peer]
listen = "127.0.0.1:0"
[log]
level = "DEBUG"
[tls]
ca = "$lab/tls/archive/ca.crt"
certificate = "$lab/tls/archive/host.crt"
key = "$lab/tls/archive/host.key"
C
FERRY_ARCHIVE_TO=$lab/ferryd.jsa "$bin/ferryd" --config "$lab/ferryd.toml" >"$lab/out" 2>"$lab/log" &
pid=$!
for _ in {1..600}; do
  if ! kill -0 "$pid" 2>/dev/null || grep -q ' rehearsed$' "$lab/log"; then break; fi
  sleep 0.1
done
FERRY_ARCHIVE_TO=$lab/ferry.jsa "$bin/ferry" --endpoint "unix:$lab/run/control.sock" list >/dev/null || true
kill "$pid" 2>/dev/null || true
wait "$pid" || true
pid=
if [[ ! -s $lab/ferryd.jsa || ! -s $lab/ferry.jsa ]]; then
  echo "bin/lib/archive.sh: no archive was made; ferryd and ferry will start slower. The daemon said:" >&2
  tail -n 5 "$lab/log" >&2
  exit
fi
# Whole or not at all: somebody may start at this moment, and one that runs keeps the file it has.
for archive in ferryd ferry; do
  install -m 644 "$lab/$archive.jsa" "$out/.$archive.jsa.new"
  mv -f "$out/.$archive.jsa.new" "$out/$archive.jsa"
done
