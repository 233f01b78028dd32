#!/usr/bin/env bash
# Boots a bare Debian machine with a systemd of its own, and ends with it. For tests: dev.ferry.system.Machine.
#
#   unshare --mount --propagation private bin/lib/machine.sh NAME DIRECTORY [OPTION OF systemd-nspawn]...
#
# Its disk is the cached tree with a tmpfs laid over it, mounted on DIRECTORY. Nothing of it is seen outside of this mount
# namespace, and all of it is gone with the last process, except its control groups, CGROUPS/ferry-test-machine-PID, which the
# caller removes. It has no network but loopback. Prints what its console says.
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/install.sh"
name=$1 directory=$2
shift 2
if ! ferry_bare_machine_complete; then
  echo "bin/lib/machine.sh: there is no tree for a bare machine: run bin/lib/install.sh bare-machine" >&2
  exit 1
fi

# Without a group of its own it would share one with every other machine, and two systemds end each other's services.
for cgroups in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [[ -e $cgroups/cgroup.procs ]] || continue
  mkdir -p "$cgroups/ferry-test-machine-$$"
  echo $$ >"$cgroups/ferry-test-machine-$$/cgroup.procs"
done

# systemd-nspawn keeps its locks there.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 ferry-test /run/systemd/nspawn
mount -t tmpfs -o mode=755 ferry-test "$directory"
mkdir "$directory"/{upper,work,root}
mount -t overlay -o "lowerdir=$(ferry_bare_machine_dir),upperdir=$directory/upper,workdir=$directory/work" overlay "$directory/root"
echo "$name" >"$directory/root/etc/hostname"

# What ferryd and its guests may do on a machine of their own; --register, --keep-unit: there may be no systemd out here.
exec systemd-nspawn -q -D "$directory/root" --boot --machine="$name" --register=no --keep-unit --console=pipe \
  --private-network --resolv-conf=off --timezone=off --link-journal=no --capability=all \
  --system-call-filter="userfaultfd ptrace process_vm_readv process_vm_writev pidfd_getfd pidfd_open kcmp" \
  --bind=/dev/kvm --bind=/dev/userfaultfd "$@"
