#!/usr/bin/env bash
# install.sh installs the Debian packages that the tests and the main job take, where they are missing. It needs root
# only when something is missing.
set -euo pipefail

packages=(make git gcc g++ libc6-dev musl-tools pkg-config curl jq util-linux # to build, and to ask
  buildah podman runc skopeo umoci docker-registry strace                # engines, unpackers, and the registry on loopback
  dash bash coreutils busybox-static musl libc6 libssl3                  # what base images are made of
  base-files netbase media-types tzdata ca-certificates passwd adduser perl-base)
missing=()
installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null || true)
for p in "${packages[@]}"; do grep -qx "ii *$p" <<<"$installed" || missing+=("$p"); done
((${#missing[@]})) || exit 0
((UID == 0)) || { echo "install.sh: not installed: ${missing[*]} (run as root to install them)" >&2; exit 3; }
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
