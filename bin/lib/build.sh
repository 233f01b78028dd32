#!/usr/bin/env bash
# Sourced by bin/ferry and bin/ferryd.

# ferry_jar MODULE: prints the module's jar; builds everything first if it is missing, one build at a time.
ferry_jar() {
  local root jar
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  jar=$root/$1/target/ferry-$1.jar
  if [[ ! -f $jar ]]; then
    if ! command -v mvn >/dev/null; then
      echo "ferry: $jar is missing, and so is Maven to build it: run bin/lib/install.sh build" >&2
      return 1
    fi
    echo "ferry: building $root" >&2
    (
      flock 9
      [[ -f $jar ]] || mvn -q -B -f "$root/pom.xml" -DskipTests package >&2
    ) 9>"$root/.build.lock" || return 1
  fi
  echo "$jar"
}
