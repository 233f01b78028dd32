#!/usr/bin/env bash
# Archives the classes that ferryd and ferry load, so that they start in a third of the time: class data sharing, java(1). Started as
# they always are, with a daemon that moves its rehearsal's guests over TLS. The archives fit one JDK and these very jars: where they do not, or are
# missing, Java starts without them and says nothing. Does nothing when they are newer than the jars.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
daemon=daemon/target/ferry-daemon.jar client=client/target/ferry-client.jar
if [[ target/ferryd.jsa -nt $daemon && target/ferry.jsa -nt $client ]]; then exit 0; fi

mkdir -p target
rm -f target/ferryd.jsa target/ferry.jsa
lab=$(mktemp -d /dev/shm/ferry-archive.XXXXXX)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null || true; rm -rf "$lab"' EXIT

# bin/ferryd and bin/ferry with another word for what happens with the archive.
archiving() {
  local name=$1 archive=$2
  sed -e "s|^root=.*|root=$PWD|" -e "s|-XX:SharedArchiveFile=\"[^\"]*\"|-XX:ArchiveClassesAtExit=\"$PWD/$archive\"|" "bin/$name" >"$lab/$name"
  chmod +x "$lab/$name"
}
archiving ferryd target/ferryd.jsa
archiving ferry target/ferry.jsa

bin/ferry tls init --dir "$lab/tls" archive,127.0.0.1 >/dev/null
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
"$lab/ferryd" --config "$lab/ferryd.toml" >"$lab/out" 2>"$lab/log" &
pid=$!
for _ in {1..600}; do
  if ! kill -0 "$pid" 2>/dev/null || grep -q ' rehearsed$' "$lab/log"; then break; fi
  sleep 0.1
done
"$lab/ferry" --endpoint "unix:$lab/run/control.sock" list >/dev/null || true
kill "$pid" 2>/dev/null || true
wait "$pid" || true
pid=
if [[ ! -s target/ferryd.jsa || ! -s target/ferry.jsa ]]; then
  echo "bin/lib/archive.sh: no archive was made; ferryd and ferry will start slower. The daemon said:" >&2
  tail -n 5 "$lab/log" >&2
fi
