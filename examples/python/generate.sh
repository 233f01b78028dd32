#!/usr/bin/env bash
# Makes the Python stubs of Ferry's API: examples/python/generate.sh DIRECTORY
# Needs Debian's python3-grpcio, python3-protobuf, protobuf-compiler and protobuf-compiler-grpc.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?usage: generate.sh DIRECTORY}
protos=$here/../../proto/src/main/protobuf
mkdir -p "$out"
protoc -I"$protos" -I"$here" --python_out="$out" --grpc_python_out="$out" \
  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" \
  "$protos"/ferry/v1/{migration,placement,events}.proto
protoc -I"$here" --python_out="$out" "$here/rpc_status.proto"
