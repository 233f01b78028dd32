#!/usr/bin/env bash
# net.sh up NAME [ADDRESS/PREFIX] | down NAME
#
# Makes, in the network namespace it is run in, a bridge with the host's address (192.168.77.1/24) and two taps, one for
# the source QEMU and one for the destination:
#
#   NAME-br  NAME-src  NAME-dst
#
# "down" removes all of it, also what a failed or interrupted "up" left.
set -euo pipefail

usage() { echo 'usage: net.sh up NAME [ADDRESS/PREFIX] | net.sh down NAME' >&2; exit 2; }
die() { echo "net.sh: $*" >&2; exit 1; }

action=${1:-} name=${2:-} address=${3:-192.168.77.1/24}
# An interface name has at most 15 characters.
[[ $name =~ ^[a-zA-Z0-9_]{1,11}$ ]] || usage
bridge=$name-br taps=("$name-src" "$name-dst")

# Asked with ip and not by /sys/class/net, which shows the namespace /sys was mounted in and not this one.
present() { ip link show "$1" >/dev/null 2>&1; }

down() {
  local link
  for link in "${taps[@]}" "$bridge"; do
    ! present "$link" || ip link delete "$link"
  done
}

up() {
  ((EUID == 0)) || die 'taps and bridges need root; run it with sudo, or inside: unshare -rn'
  [[ -e /dev/net/tun ]] || die '/dev/net/tun is missing; run: modprobe tun (in a container: --device /dev/net/tun)'
  local link
  for link in "${taps[@]}" "$bridge"; do
    ! present "$link" || die "$link exists; another test uses the name $name, or an old one left it: net.sh down $name"
  done
  trap 'down || true' ERR
  # A fixed hardware address: a bridge without one takes a new one when a port comes or goes, and the guest's ARP entry
  # for the host would be wrong just when a QEMU exits.
  ip link add "$bridge" address 52:54:00:fe:77:01 type bridge forward_delay 0 stp_state 0
  ip address add "$address" dev "$bridge"
  ip link set "$bridge" up
  for tap in "${taps[@]}"; do
    ip tuntap add dev "$tap" mode tap
    ip link set "$tap" master "$bridge" up
  done
  ip link set lo up
}

case $action in
  up) up ;;
  down) down ;;
  *) usage ;;
esac
