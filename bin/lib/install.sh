#!/usr/bin/env bash
# Installs what Ferry's build and tests need on Debian 12, and only what is missing.
#
#   bin/lib/install.sh GROUP...        or:  source bin/lib/install.sh; ferry_install GROUP...
#
# Groups:
#   build           JDK 17, Maven, git
#   guest           C compiler and make, for the bare-metal test guest
#   qemu            Debian's own QEMU
#   net             ip and socat, for tests with bridges and taps
#   python          gRPC for Python and the protocol compiler, for the example in examples/python
#   linux-guest     cloud kernel and static busybox, unpacked into the cache (nothing goes into /boot)
#   browser         Chromium, for the tests of the page that ferry report writes
#   systemd         systemd-analyze and setpriv, for the tests of the unit
#   promtool        Prometheus' own checker of metrics, unpacked into the cache
#   package         what bin/package needs, and lintian
#   bare-machine    systemd-nspawn, and in the cache the tree of a Debian machine with nothing on it, for bin/lib/machine.sh
#   qemu-backports  a newer QEMU from Debian backports, unpacked into the cache beside the installed one
#
# When nothing is missing it prints nothing, needs no root and no network, and takes a few milliseconds.
# The cache is ${FERRY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ferry}; deleting it is always safe.

# Each line: what proves that it is there (a command, or a file by absolute path), and the package that brings it.
# Asking for the tool and not for the package leaves a machine alone that has the tool from elsewhere.
ferry_group_packages() {
  case $1 in
    build) printf '%s\n' 'javac openjdk-17-jdk-headless' 'mvn maven' 'git git' \
      '/etc/ssl/certs/ca-certificates.crt ca-certificates' ;;
    guest) printf '%s\n' 'gcc gcc' 'ld binutils' 'make make' '/usr/include/stdio.h libc6-dev' ;;
    qemu) printf '%s\n' 'qemu-system-x86_64 qemu-system-x86' 'qemu-img qemu-utils' \
      '/usr/share/seabios/bios-256k.bin seabios' ;;
    net) printf '%s\n' 'ip iproute2' 'socat socat' ;;
    python) printf '%s\n' '/usr/lib/python3/dist-packages/grpc/__init__.py python3-grpcio' \
      '/usr/lib/python3/dist-packages/google/protobuf/__init__.py python3-protobuf' \
      '/usr/bin/protoc protobuf-compiler' '/usr/bin/grpc_python_plugin protobuf-compiler-grpc' ;;
    linux-guest) printf '%s\n' 'cpio cpio' 'gzip gzip' 'xz xz-utils' ;;
    browser) printf '%s\n' 'chromium chromium' '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core' ;;
    systemd) printf '%s\n' 'systemd-analyze systemd' 'setpriv util-linux' ;;
    package) printf '%s\n' 'dpkg-deb dpkg' 'lintian lintian' ;;
    bare-machine) printf '%s\n' 'debootstrap debootstrap' 'systemd-nspawn systemd-container' 'ip iproute2' 'nsenter util-linux' ;;
    promtool | qemu-backports) ;;
    *)
      echo "ferry: unknown install group '$1'; known: build guest qemu net python linux-guest browser systemd promtool package" \
        "bare-machine qemu-backports" >&2
      return 2
      ;;
  esac
}

ferry_cache_dir() { echo "${FERRY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ferry}"; }

# Where linux-guest puts its files: boot/vmlinuz-*, lib/modules/*, bin/busybox, VERSION.
ferry_linux_guest_dir() { echo "$(ferry_cache_dir)/linux-guest"; }

# The command that runs the QEMU from backports.
ferry_qemu_backports() { echo "$(ferry_cache_dir)/qemu-backports/qemu-system-x86_64"; }

ferry_install() {
  local group lines probe package
  local missing=()
  for group in "$@"; do
    lines=$(ferry_group_packages "$group") || return
    while read -r probe package; do
      [[ -z $probe ]] || ferry_has "$probe" || missing+=("$package")
    done <<<"$lines"
  done
  if ((${#missing[@]})); then ferry_apt_install "${missing[@]}" || return; fi
  for group in "$@"; do
    case $group in
      linux-guest) ferry_fetch_linux_guest || return ;;
      promtool) ferry_fetch_promtool || return ;;
      bare-machine) ferry_fetch_bare_machine || return ;;
      qemu-backports) ferry_fetch_qemu_backports || return ;;
    esac
  done
}

ferry_has() {
  if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v -- "$1" >/dev/null; fi
}

ferry_apt_install() {
  local install=(install -y -q --no-install-recommends "$@")
  if ((EUID != 0)); then
    printf 'ferry: missing: %s\nferry: installing needs root; run:\n  sudo apt-get update && sudo apt-get %s\n' \
      "$*" "${install[*]}" >&2
    return 1
  fi
  printf 'ferry: installing %s\n' "$@" >&2
  ferry_with_fresh_lists "install $*" ferry_apt "${install[@]}"
}

# ferry_with_fresh_lists WHAT COMMAND...: runs a command that needs apt's package lists; where it fails, updates the lists and tries once more. One rule for
# lists that are missing (a fresh container) and for lists that are too old (the mirror has dropped that version).
ferry_with_fresh_lists() {
  local what=$1 log status=0
  shift
  log=$(mktemp) || return
  if ! "$@" >"$log" 2>&1; then
    if ((EUID == 0)); then
      echo 'ferry: updating the package lists' >&2
      # Its status does not matter: a broken third-party source is no reason to give up, a second failure below is.
      ferry_apt update -q >>"$log" 2>&1 || true
      "$@" >>"$log" 2>&1 || status=$?
    else
      status=1
    fi
  fi
  if ((status)); then
    tail -n 15 "$log" >&2
    echo "ferry: could not $what; check the network and the package sources, then run: sudo apt-get update" >&2
  fi
  rm -f "$log"
  return "$status"
}

# apt-get that waits for another apt to finish. DPkg::Lock::Timeout covers dpkg's lock only, not the lock on the
# package lists and on the archive directory, hence the loop.
ferry_apt() {
  local out tries=0 status
  while :; do
    status=0
    out=$(DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o DPkg::Lock::Timeout=600 "$@" 2>&1) || status=$?
    if ((status == 0 || tries++ >= 150)) || [[ $out != *'Could not get lock'* ]]; then
      printf '%s\n' "$out"
      return "$status"
    fi
    sleep 2
  done
}

# ferry_into_cache NAME FUNCTION: calls FUNCTION with an empty directory and makes it $cache/NAME in one step, so that
# an interrupted download never looks complete. One process at a time; the one that waited finds the work done.
ferry_into_cache() {
  local name=$1 fill=$2 check=$3 cache tmp
  cache=$(ferry_cache_dir)
  if ! mkdir -p "$cache" || [[ ! -w $cache ]]; then
    echo "ferry: cannot write $cache; set FERRY_CACHE to a directory that can be written" >&2
    return 1
  fi
  (
    flock 9
    ! "$check" || exit 0
    tmp=$(mktemp -d "$cache/.$name.XXXXXX") || exit
    trap 'rm -rf "$tmp"' EXIT
    chmod 755 "$tmp"  # mktemp makes it private; the guest's QEMU may run as another user
    "$fill" "$tmp" || exit
    rm -rf "${cache:?}/$name"
    mv -T "$tmp" "$cache/$name"
  ) 9>"$cache/.lock"
}

# ferry_unpack ROOT PACKAGE... -- APT-OPTION...: downloads packages and unpacks them below ROOT; installs nothing.
ferry_unpack() {
  local root=$1 deb
  shift
  local packages=()
  while (($#)) && [[ $1 != -- ]]; do packages+=("$1"); shift; done
  shift
  mkdir -p "$root" "$root.debs" || return
  # Sandbox user: apt's own user cannot write here, and would only warn about it.
  (cd "$root.debs" && ferry_apt -q -o APT::Sandbox::User=root "$@" download "${packages[@]}") || return
  for deb in "$root.debs"/*.deb; do dpkg-deb -x "$deb" "$root" || return; done
  rm -rf "$root.debs"
}

# --- the Linux test guest's kernel and userland ---

ferry_linux_guest_complete() { [[ -e $(ferry_linux_guest_dir)/VERSION ]]; }

ferry_fetch_linux_guest() {
  ferry_linux_guest_complete || ferry_into_cache linux-guest ferry_fill_linux_guest ferry_linux_guest_complete
}

ferry_fill_linux_guest() {
  echo "ferry: fetching a cloud kernel and a static busybox into $(ferry_linux_guest_dir)" >&2
  # busybox comes as a file as well: the package conflicts with plain busybox, which initramfs-tools may have brought.
  ferry_with_fresh_lists "fetch the Linux guest's packages" ferry_unpack_linux_guest "$1"
}

ferry_unpack_linux_guest() {
  local image
  # linux-image-cloud-amd64 is empty; the kernel is in the versioned package it depends on.
  image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [[ -n $image ]] || { echo "linux-image-cloud-amd64 is not in the package lists"; return 1; }
  ferry_unpack "$1" "$image" busybox-static -- || return
  echo "$image" >"$1/VERSION"
}

# --- promtool, out of the package of a server that nobody needs here ---

ferry_promtool() { echo "$(ferry_cache_dir)/promtool/promtool"; }

ferry_promtool_complete() { [[ -x $(ferry_promtool) ]] && "$(ferry_promtool)" --version >/dev/null 2>&1; }

ferry_fetch_promtool() {
  ferry_promtool_complete || ferry_into_cache promtool ferry_fill_promtool ferry_promtool_complete
}

ferry_fill_promtool() {
  echo "ferry: fetching promtool into $(dirname "$(ferry_promtool)")" >&2
  ferry_with_fresh_lists "fetch promtool" ferry_unpack_promtool "$1"
}

ferry_unpack_promtool() {
  ferry_unpack "$1/root" prometheus -- || return
  mv "$1/root/usr/bin/promtool" "$1/promtool" || return
  rm -rf "$1/root"
}

# --- a bare Debian machine ---

# The tree of its disk: never written to, machines lay a file system of their own over it. The number is that of the recipe
# below: a machine of an older one may be running.
ferry_bare_machine_dir() { echo "$(ferry_cache_dir)/bare-machine-2"; }

ferry_bare_machine_complete() { [[ -e $(ferry_bare_machine_dir)/etc/os-release ]]; }

ferry_fetch_bare_machine() {
  if ferry_bare_machine_complete; then return; fi
  if ((EUID != 0)); then
    echo "ferry: a bare machine can only be made by root" >&2
    return 1
  fi
  ferry_fetch_linux_guest && ferry_into_cache "$(basename "$(ferry_bare_machine_dir)")" ferry_fill_bare_machine ferry_bare_machine_complete
}

ferry_fill_bare_machine() {
  local log status=0
  echo "ferry: making a bare Debian machine in $(ferry_bare_machine_dir): a minute or two" >&2
  log=$(mktemp) || return
  ferry_make_bare_machine "$1" >"$log" 2>&1 || status=$?
  if ((status)); then
    tail -n 15 "$log" >&2
    echo "ferry: could not make a bare machine; is the Debian mirror within reach?" >&2
  fi
  rm -f "$log"
  return "$status"
}

# What the machine may install lies in apt's own cache there: machines have no network but the one between them.
ferry_make_bare_machine() {
  local tree=$1 release sources kernel
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}") || return
  sources=$(ferry_debian_sources "$release") || return
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,iputils-ping,ca-certificates,openssh-server,openssh-client \
    "$release" "$tree" "$(awk -v r="$release" '$4 == r { print $3; exit }' <<<"$sources")" || return
  echo "$sources" >"$tree/etc/apt/sources.list"
  cp -L /etc/resolv.conf "$tree/etc/resolv.conf" || return
  chroot "$tree" apt-get clean || return
  chroot "$tree" apt-get update -q || return
  chroot "$tree" apt-get install -q -y --download-only openjdk-17-jre-headless man-db bash-completion zsh busybox-static cpio || return
  # QEMU recommends a desktop.
  chroot "$tree" apt-get install -q -y --download-only --no-install-recommends qemu-system-x86 || return
  # It runs this machine's kernel; the one that a machine has to boot from is there for its guests.
  for kernel in "$(ferry_linux_guest_dir)"/boot/vmlinuz-*; do cp "$kernel" "$tree/boot/" || return; done
  rm -f "$tree/etc/resolv.conf" "$tree/etc/hostname"
}

# --- QEMU from backports, beside the installed one ---

# Asking it for its version also finds a library that was removed from the machine since.
ferry_qemu_backports_complete() {
  local qemu
  qemu=$(ferry_qemu_backports)
  [[ -x $qemu ]] && "$qemu" --version >/dev/null 2>&1
}

ferry_fetch_qemu_backports() {
  ferry_qemu_backports_complete ||
    ferry_into_cache qemu-backports ferry_fill_qemu_backports ferry_qemu_backports_complete
}

ferry_fill_qemu_backports() {
  local dir=$1 final log status=0
  final=$(dirname "$(ferry_qemu_backports)")
  echo "ferry: fetching QEMU from backports into $final" >&2
  log=$(mktemp) || return
  ferry_unpack_qemu_backports "$dir" >"$log" 2>&1 || status=$?
  if ((status)); then
    tail -n 15 "$log" >&2
    echo "ferry: could not fetch QEMU from backports; is the Debian mirror within reach?" >&2
  fi
  rm -f "$log"
  ((status == 0)) || return "$status"
  ferry_write_qemu_wrapper "$dir" || return
  local version
  version=$("$dir/qemu-system-x86_64" --version) || return
  echo "ferry: ${version%%$'\n'*}" >&2
}

# Lists, sources and cache are private to this call: the system's apt never learns of backports.
ferry_unpack_qemu_backports() {
  local dir=$1 release plan packages
  local apt=("-oDir::Etc::sourcelist=$dir/apt/sources.list" -oDir::Etc::sourceparts=-
    "-oDir::State::lists=$dir/apt/lists" "-oDir::Cache=$dir/apt/cache" -oAPT::Sandbox::User=root)
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}") || return
  mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" || return
  ferry_backports_sources "$release" >"$dir/apt/sources.list" || return
  ferry_apt "${apt[@]}" update -q || return
  # A simulated installation tells what QEMU needs and this machine lacks. --reinstall: also list what is there already
  # (ROMs), so that the unpacked tree is whole whatever happens to the installed QEMU later.
  # The display modules are wanted by no test: a module that QEMU does not find here it takes from the installed version,
  # and complains that it is from another build.
  plan=$(ferry_apt "${apt[@]}" -s --no-install-recommends -t "$release-backports" --reinstall install \
    qemu-system-x86 qemu-system-common qemu-system-data seabios ipxe-qemu \
    qemu-system-modules-opengl qemu-system-modules-spice) || { echo "$plan"; return 1; }
  mapfile -t packages < <(sed -n 's/^Inst \([^ ]*\) [^(]*(\([^ ]*\) .*/\1=\2/p' <<<"$plan")
  ferry_unpack "$dir/root" "${packages[@]}" -- "${apt[@]}" || return
  printf '%s\n' "${packages[@]}" >"$dir/VERSION"
  rm -rf "$dir/apt"
}

# The system's own Debian sources. --print-uris needs no downloaded lists and no root; a line of it is
# 'http://deb.debian.org/debian/dists/bookworm/InRelease' and more.
ferry_debian_sources() {
  local release=$1 signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]' uri suite mirror=
  while read -r uri suite; do
    case $suite in
      "$release") mirror=${mirror:-$uri} ;&
      "$release"-updates | "$release"-security) echo "deb $signed $uri $suite main" ;;
    esac
  done < <(apt-get update --print-uris | sed -n "s|^'\([^']*\)/dists/\([^']*\)/InRelease'.*|\1 \2|p" | sort -u)
  [[ $mirror ]] || echo "deb $signed http://deb.debian.org/debian $release main"
}

# The same and backports, from the same mirror.
ferry_backports_sources() {
  local release=$1 sources
  sources=$(ferry_debian_sources "$release") || return
  echo "$sources"
  awk -v r="$release" '$4 == r { $4 = r "-backports"; print; exit }' <<<"$sources"
}

# exec, so that the process a caller started is QEMU itself (its pid, its /proc/PID/exe). -L, because Debian builds QEMU
# with fixed data directories and would take the installed version's firmware otherwise.
ferry_write_qemu_wrapper() {
  local dir=$1
  cat >"$dir/qemu-system-x86_64" <<WRAPPER || return
#!/bin/sh
# QEMU from Debian backports, run from where it was unpacked.
root=\$(dirname "\$(readlink -f "\$0")")/root
libs=\$root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH="\$libs:\$root/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export QEMU_MODULE_DIR="\$libs/qemu"
exec "\$root/usr/bin/qemu-system-x86_64" -L "\$root/usr/share/qemu" -L "\$root/usr/share/seabios" \\
  -L "\$root/usr/lib/ipxe/qemu" "\$@"
WRAPPER
  chmod 755 "$dir/qemu-system-x86_64"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  (($#)) || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
  ferry_install "$@"
fi
