#!/bin/sh
# fetch-runner.sh DIRECTORY: downloads the runner's release, compares its checksum, and unpacks it into the directory.
# It reads RUNNER_VERSION, RUNNER_SHA256_X64 or RUNNER_SHA256_ARM64, RUNNER_URL, and TARGETARCH where the builder sets it.
set -eu

directory=${1:?fetch-runner.sh needs a directory}
where='Both are on https://github.com/actions/runner/releases: the version is the name of the release, the SHA-256 of each archive stands at the end of its notes.'

fail() {
  printf 'runner image: %s\n' "$1" >&2
  exit 1
}

case ${TARGETARCH:-$(dpkg --print-architecture)} in
  amd64) arch=x64 name=RUNNER_SHA256_X64 checksum=${RUNNER_SHA256_X64:-} ;;
  arm64) arch=arm64 name=RUNNER_SHA256_ARM64 checksum=${RUNNER_SHA256_ARM64:-} ;;
  *) fail "there is no Linux runner for ${TARGETARCH:-this machine}: build for linux/amd64 or linux/arm64" ;;
esac

version=${RUNNER_VERSION:-}
version=${version#v}
[ -n "$version" ] || fail "say which runner to put in: --build-arg RUNNER_VERSION=X.Y.Z --build-arg $name=CHECKSUM. $where"
case $version in
  *[!0-9.]* | .* | *. | *..*) fail "RUNNER_VERSION=$version is not of the form X.Y.Z. $where" ;;
  *.*.*) ;;
  *) fail "RUNNER_VERSION=$version is not of the form X.Y.Z. $where" ;;
esac
[ -n "$checksum" ] || fail "say what the archive's checksum is: --build-arg $name=CHECKSUM. $where"
case $checksum in
  *[!0-9a-fA-F]*) fail "$name has to be 64 hexadecimal digits. $where" ;;
esac
[ "${#checksum}" -eq 64 ] || fail "$name has to be 64 hexadecimal digits. $where"
checksum=$(printf '%s' "$checksum" | tr 'A-F' 'a-f')

url="${RUNNER_URL:?}/v$version/actions-runner-linux-$arch-$version.tar.gz"
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$archive" "$url" ||
  fail "could not download $url"

found=$(sha256sum "$archive" | cut -d ' ' -f 1)
[ "$found" = "$checksum" ] ||
  fail "the checksum of $url is $found, not the $checksum of $name: the archive is another one than you meant. Nothing was unpacked. $where"

mkdir -p "$directory"
tar -xzf "$archive" -C "$directory" --no-same-owner
[ -f "$directory/run.sh" ] || fail "$url holds no run.sh: it is not a runner"
