#!/usr/bin/env bash
# Lints the protocol and compares it with the one that was last released: docs/protocol.md has the rule for changes.
#
#   bin/lib/proto-check.sh            lint, and break nothing
#   bin/lib/proto-check.sh --accept   with a release: what there is now is what later changes are compared with
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source bin/lib/install.sh

# From Maven Central, where its makers publish it as build.buf:buf with the platform as classifier.
version=1.61.0
sha256=d82849eca790bacb5b8885a027f31bbfbfdf72b2d93bc82bda8cb2ca20e4faca
platform=linux-x86_64
buf=$(ferry_cache_dir)/buf-$version/buf
baseline=baseline/ferry-v1.binpb

complete() { [[ -x $buf ]] && sha256sum --status -c <<<"$sha256  $buf"; }

fill() {
  local log=$1/log
  echo "ferry: fetching buf $version into $(dirname "$buf")" >&2
  if ! mvn -B -N org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      "-Dartifact=build.buf:buf:$version:exe:$platform" "-DoutputDirectory=$1" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "ferry: could not fetch buf from Maven Central" >&2
    return 1
  fi
  rm "$log"
  mv "$1/buf-$version-$platform.exe" "$1/buf"
  if ! sha256sum --status -c <<<"$sha256  $1/buf"; then
    echo "ferry: buf $version has another checksum than bin/lib/proto-check.sh says: it is not run" >&2
    return 1
  fi
  chmod 755 "$1/buf"
}

complete || ferry_into_cache "buf-$version" fill complete
cd proto
"$buf" lint
case ${1:-} in
  "") "$buf" breaking --against "$baseline" ;;
  --accept)
    mkdir -p baseline
    "$buf" build --exclude-source-info -o "$baseline"
    ;;
  *)
    echo "usage: bin/lib/proto-check.sh [--accept]" >&2
    exit 2
    ;;
esac
