# shellcheck shell=bash disable=SC2034
# What is made; sourced by scripts, with the repository as the current folder.

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
# As the systems write a version before another: 1.0.0~rc.1.
package_version=${version/-/\~}
# A file's time is that of the commit.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"

# The targets of the packages, and those of the archives.
gnu_targets=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu)
musl_targets=(x86_64-unknown-linux-musl)

# What Debian calls the computers of a target.
debian_architecture() {
  case $1 in
  x86_64-*) echo amd64 ;;
  aarch64-*) echo arm64 ;;
  esac
}
