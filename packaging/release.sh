# shellcheck shell=bash disable=SC2034
# The version and the targets of a release; scripts source it, with the repository as the current folder.

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
# The package systems' syntax for a version before another: 1.0.0~rc.1.
package_version=${version/-/\~}
# Files get the time of the commit.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"

# The targets of the packages for Linux, of the static programs, of macOS, and that of the MSI and the zip. All have an archive.
gnu_targets=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu)
musl_targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl)
apple_targets=(x86_64-apple-darwin aarch64-apple-darwin)
windows_target=x86_64-pc-windows-gnu

# A value of packaging/publisher.toml: publisher KEY
publisher() {
  sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" packaging/publisher.toml
}

# Debian's name for a target's architecture.
debian_architecture() {
  case $1 in
  x86_64-*) echo amd64 ;;
  aarch64-*) echo arm64 ;;
  esac
}

# The targets for systems: targets linux|windows...
targets() {
  local system
  for system; do
    case $system in
    linux) echo "${gnu_targets[@]}" "${musl_targets[@]}" ;;
    windows) echo "$windows_target" ;;
    *) echo "unknown system '$system': linux or windows" >&2 && return 2 ;;
    esac
  done
}

# The targets for macOS whose programs were brought here: only a Mac builds them.
apple_targets_here() {
  local target
  for target in "${apple_targets[@]}"; do
    [ ! -e "target/$target/release/kubekey" ] || echo "$target"
  done
}
