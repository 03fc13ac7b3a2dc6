#!/usr/bin/env bash
# self.sh builds imgaudit's own image from its Dockerfile and audits it: no warning is allowed. Needs what
# main-job.sh has left running.
#
#   self.sh [WORKDIR]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
export IMGAUDIT_CI_DIR=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
"$here/base-images.sh" "$IMGAUDIT_CI_DIR"
# shellcheck source=/dev/null
. "$IMGAUDIT_CI_DIR/env.sh"
cd "$repo"

image=$IMGAUDIT_REGISTRY/imgaudit:self
args=(--build-arg "GO_IMAGE=$IMGAUDIT_REGISTRY/golang:$(go env GOVERSION | sed 's/^go//')")
log=$IMGAUDIT_CI_DIR/self.log
# The modules come from this machine's module cache, which the tests have filled.
buildah bud --isolation chroot --network host --layers "${args[@]}" --build-arg GOPROXY=file:///modproxy \
  --volume "$(go env GOMODCACHE)/cache/download:/modproxy:ro" -t "$image" . >"$log" 2>&1 || { tail -20 "$log" >&2; exit 3; }
buildah push --quiet --tls-verify=false "$image" >"$log" 2>&1 || { tail -20 "$log" >&2; exit 3; }
CGO_ENABLED=0 go build -trimpath -o "$IMGAUDIT_CI_DIR/bin/imgaudit" ./cmd/imgaudit
"$IMGAUDIT_CI_DIR/bin/imgaudit" check "$image" --fail-on warning --dockerfile Dockerfile --context . "${args[@]}"
