#!/usr/bin/env bash
# ask.sh ADDRESS COMMAND...: gives the guest one command (see README.md) and prints its answer.
# ASK_TIMEOUT: seconds to wait for the answer (60).
set -euo pipefail
(($# >= 2)) || { echo 'usage: ask.sh ADDRESS COMMAND...' >&2; exit 2; }
address=$1
shift
# -t: how long socat waits for the answer after it has sent the command and seen the end of its input.
timeout "${ASK_TIMEOUT:-60}" socat -t "${ASK_TIMEOUT:-60}" - "TCP:$address:9,connect-timeout=10" <<<"$*" ||
  { echo "ask.sh: no answer from $address to: $*" >&2; exit 1; }
