#!/usr/bin/env bash
# docker.sh unpacks Docker's daemon and its client, of the version that Debian has, into WORKDIR/docker, where they are
# missing (62 MB to load, 180 MB on disk). Nothing is installed: the packages would make a group and start a service.
#
#   docker.sh [WORKDIR]        prints the directory of the programs; root
#
# internal/lab starts a daemon of a test's own with them.
set -euo pipefail

work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
into=$work/docker
programs=(usr/sbin/dockerd usr/bin/docker usr/bin/containerd usr/bin/containerd-shim-runc-v2)
mkdir -p "$work"
exec 9>"$work/docker.lock" # two runs at once take turns
flock 9

if [[ ! -e $into ]]; then
  for p in runc libdevmapper1.02.1 libsystemd0; do # that it needs; podman has brought them
    dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q ^ii || { echo "docker.sh: not installed: $p" >&2; exit 3; }
  done
  load=$(mktemp -d "$work/docker.XXXXXX")
  trap 'rm -rf "$load"' EXIT
  get() { (cd "$load" && apt-get download -qq -o APT::Sandbox::User=root docker.io containerd) >"$work/docker.log" 2>&1; }
  get || { apt-get update -qq && get; } || { tail -5 "$work/docker.log" >&2; exit 3; }
  for deb in "$load"/*.deb; do dpkg -x "$deb" "$load"; done
  mkdir "$load/bin"
  (cd "$load" && mv "${programs[@]}" bin/)
  mv "$load/bin" "$into"
fi
echo "$into"
