#!/usr/bin/env bash
# build.sh OUTDIR: makes OUTDIR/vmlinuz and OUTDIR/initramfs.cpio.gz, the Linux test guest, from Debian's cloud kernel
# and its static busybox. Takes about two seconds; needs no root.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR}
source "$here/../../bin/lib/install.sh"
ferry_install linux-guest

cache=$(ferry_linux_guest_dir)
release=$(cd "$cache/boot" && ls -d vmlinuz-*)
release=${release#vmlinuz-}
modules=$cache/lib/modules/$release/kernel

mkdir -p "$out"
stage=$(mktemp -d "$out/.initramfs.XXXXXX")
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
mkdir -p "$stage"/{bin,dev,proc,sys,run,disk,modules}

cp "$cache/bin/busybox" "$stage/bin/"
# Made here rather than by "busybox --install" in the guest, where it would cost a part of the boot.
for applet in $("$stage/bin/busybox" --list | grep -vx busybox); do ln -s busybox "$stage/bin/$applet"; done
install -m 755 "$here/init" "$stage/init"
install -m 755 "$here"/{worker,command}.sh "$stage/bin/"

# What a module needs is written in the module itself (the .deb has no modules.dep; depmod would make it on installation).
# /init loads the files listed in "order" from top to bottom.
declare -A added=()
add_module() {
  local name=${1//-/_} file dependency depends
  [[ -z ${added[$name]:-} ]] || return 0
  added[$name]=1
  # A file name may have - where the module's name has _.
  file=$(find "$modules" -regextype posix-extended -regex ".*/${name//_/[-_]}\.ko(\.xz)?" -print -quit)
  [[ -n $file ]] || { echo "build.sh: $modules has no module $1; delete $cache and run again" >&2; return 1; }
  case $file in
    *.xz) xz -dc "$file" >"$stage/modules/$name.ko" ;;
    *) cp "$file" "$stage/modules/$name.ko" ;;
  esac
  depends=$(tr '\0' '\n' <"$stage/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' ')
  for dependency in $depends; do add_module "$dependency"; done
  echo "$name.ko" >>"$stage/modules/order"
}
# ext4, the serial port and tmpfs are built in. Balloon and console are there for tests that add those devices.
for module in virtio_pci virtio_blk virtio_net virtio_rng virtio_balloon virtio_console; do add_module "$module"; done

cp "$cache/boot/vmlinuz-$release" "$out/vmlinuz"
# Times and owners are the same in every build, so that two builds can be compared.
find "$stage" -exec touch -h -d @0 {} +
(cd "$stage" && find . -print0 | sort -z | cpio --null --quiet -o -H newc --owner 0:0 --reproducible) |
  gzip -n1 >"$out/initramfs.cpio.gz"
echo "$release" >"$out/VERSION"
