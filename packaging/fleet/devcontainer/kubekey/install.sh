#!/bin/sh
# Installs the feature, as root, during the build of the container's image. The options of devcontainer-feature.json are variables.
set -eu

fail() {
  echo "kubekey feature: $1" >&2
  exit 1
}

install_source() {
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  file=$folder/$(basename "$SOURCE")
  case $SOURCE in
    https://*)
      [ -n "${SHA256:-}" ] || fail "a source that is a URL needs its sha256"
      curl --fail --silent --show-error --location --proto '=https' --output "$file" "$SOURCE"
      ;;
    /*) cp "$SOURCE" "$file" ;;
    *) fail "source must be an https URL or an absolute path: $SOURCE" ;;
  esac
  if [ -n "${SHA256:-}" ]; then
    echo "$SHA256  $file" | sha256sum --check --quiet - || fail "the source does not match sha256"
  fi
  case $file in
    *.deb) apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$file" ;;
    *.rpm) dnf install -y "$file" ;;
    *) install -m 0755 "$file" /usr/local/bin/kubekey ;;
  esac
}

[ "$(id -u)" = 0 ] || fail "only root can install it"
if [ -n "${SOURCE:-}" ]; then
  install_source
fi
command -v kubekey >/dev/null || fail "kubekey is not installed; set source"

set -- setup --system
[ -z "${ISSUERURL:-}" ] || set -- "$@" "--issuer-url=$ISSUERURL"
[ -z "${CLIENTID:-}" ] || set -- "$@" "--client-id=$CLIENTID"
case ${TOKENSTORAGE:-auto} in
  auto) ;;
  *) set -- "$@" "--token-storage=$TOKENSTORAGE" ;;
esac
kubekey "$@"
