#!/usr/bin/env bash
# buildkit.sh builds one Dockerfile with a real BuildKit, of the version that internal/tools/buildkit pins, and pushes it
# with its provenance (mode=max).
#
#   buildkit.sh DOCKERFILE CONTEXT REF
#   buildkit.sh --install               only builds the daemon and its client, where they are missing
#
# Needs what base-images.sh sets up (its WORKDIR in $IMGAUDIT_CI_DIR) and root. The daemon is built once (~3 min, mostly
# downloads), kept in WORKDIR/bin, runs with runc on the host's network, and is stopped again at the end.
set -euo pipefail

[[ $# == 3 || ${1:-} == --install ]] || { echo "usage: buildkit.sh DOCKERFILE CONTEXT REF" >&2; exit 2; }
work=${IMGAUDIT_CI_DIR:?run base-images.sh and source WORKDIR/env.sh}
tools=$(cd "$(dirname "$0")/../tools/buildkit" && pwd)
socket=$work/buildkit.sock
log=$work/buildkit.log

pinned=$(sha256sum "$tools/go.sum" | cut -c1-16)
if [[ ! -x $work/bin/buildkitd || $(cat "$work/bin/buildkit.pinned" 2>/dev/null) != "$pinned" ]]; then
  mkdir -p "$work/bin"
  exec 9>"$work/bin/buildkit.lock"
  flock 9 # of several at once one builds; for the others there is nothing left to do
  (cd "$tools" && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOBIN=$work/bin go install -trimpath -buildvcs=false -ldflags '-s -w' tool) >"$log" 2>&1 ||
    { tail -20 "$log" >&2; exit 3; }
  echo "$pinned" >"$work/bin/buildkit.pinned"
  exec 9>&-
fi
[[ $1 != --install ]] || exit 0

file=$(realpath "$1")
context=$(realpath "$2")
ref=$3

"$work/bin/buildkitd" --root "$work/buildkit" --addr "unix://$socket" --config "$work/buildkitd.toml" \
  --containerd-worker=false --oci-worker-binary runc --oci-worker-net host >"$log" 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null || true' EXIT
buildctl() { "$work/bin/buildctl" --addr "unix://$socket" "$@"; }
for _ in {1..100}; do
  buildctl debug workers >/dev/null 2>&1 && break
  kill -0 $daemon 2>/dev/null || { tail -5 "$log" >&2; exit 3; }
  sleep 0.1
done

buildctl build --progress plain --frontend dockerfile.v0 --local "context=$context" --local "dockerfile=$(dirname "$file")" \
  --opt "filename=$(basename "$file")" --opt "build-arg:REGISTRY=${ref%%/*}" --opt attest:provenance=mode=max \
  --output "type=image,name=$ref,push=true,registry.insecure=true" >"$log.build" 2>&1 || { tail -20 "$log.build" >&2; exit 3; }
