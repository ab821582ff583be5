# shellcheck shell=bash
# Debian systems to install packages on; sourced by tests, with the repository as the current folder.
. packaging/release.sh

# Without a network, a home's content or processes of this machine: in_root ROOT COMMAND...
in_root() {
  local root=$1
  shift
  unshare --net --mount --pid --fork sh -c '
    mount -t proc proc "$0/proc"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND="${FRONTEND:-noninteractive}" EDITOR="${EDITOR:-}" \
      chroot "$0" "$@"' "$root" "$@" </dev/null
}

# Where this machine has Debian from.
mirror() {
  local site
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/*$') || true
  echo "${site:-http://deb.debian.org/debian}"
}

# Whether there is such a system, or can be one.
has_suite() {
  [ -e "target/chroots/$1-amd64.done" ] || wget --quiet --spider "$(mirror)/dists/$1/Release"
}

# Lets this machine run programs of computers of another kind, as its package qemu-user-static does where it is booted.
run_foreign() {
  local misc=/proc/sys/fs/binfmt_misc
  [ -e "$misc/register" ] || mount -t binfmt_misc binfmt_misc "$misc"
  [ -e "$misc/qemu-$1" ] || cat "/usr/lib/binfmt.d/qemu-$1.conf" >"$misc/register"
}

# Writes a script that runs a program, which may be for another kind of computer: as_native SCRIPT TARGET PROGRAM ROOT
# ROOT is a system with its libraries.
as_native() {
  local emulator=
  [ "$(debian_architecture "$2")" = "$(dpkg --print-architecture)" ] || emulator="$(command -v "qemu-${2%%-*}-static") -L '$4'"
  printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$emulator" "$3" >"$1"
  chmod +x "$1"
}

# A system of this suite and for this target that has never seen kubekey: new_root SUITE TARGET ROOT. It is made once, in
# target/chroots; what is written to it lies over that.
new_root() {
  local suite=$1 root=$3 architecture base
  architecture=$(debian_architecture "$2")
  base=target/chroots/$suite-$architecture
  [ "$architecture" = "$(dpkg --print-architecture)" ] || run_foreign "${2%%-*}"
  if [ ! -e "$base.done" ]; then
    rm -rf "$base"
    mkdir -p target/chroots
    debootstrap --arch="$architecture" --variant=minbase --include=ucf,debconf-utils "$suite" "$base" "$(mirror)" >"$base.log"
    rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
    touch "$base.done"
  fi
  drop_root "$root"
  mkdir -p "$root" "$root.over/upper" "$root.over/work"
  mount -t overlay -o "lowerdir=$base,upperdir=$root.over/upper,workdir=$root.over/work" kubekey "$root"
}

# Removes it, and the notes that a test has made beside it.
drop_root() {
  if mountpoint -q "$1"; then umount "$1"; fi
  rm -rf "$1" "$1".*
}

fail() {
  echo "$0: $*" >&2
  exit 1
}

ok() {
  echo "ok: $*"
}
