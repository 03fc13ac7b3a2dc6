#!/usr/bin/env bash
# bench-prove.sh measures how long `imgaudit prove --only "as built"` takes for one small service, testdata/layouts/server with
# the Dockerfile that `imgaudit generate` writes: with the build in BuildKit's cache, with one changed source file, and with one
# changed source file and a Dockerfile without cache mounts, which compiles the standard library, too: some 30 s of CPU, for which
# there is no bound of ours. Each is measured three times with runc and with podman; the first proof of all, which fills the
# caches, is shown apart. Where the time goes in the slowest of each kind stands below.
#
#   bench-prove.sh [WORKDIR]
#
# Exit code: 0 every proof within its bound (5 s with the build in the cache, 20 s with compiling), 1 one is not, 3 could not
# measure. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
internal/ci/base-images.sh "$work"
# shellcheck source=/dev/null
. "$work/env.sh"
internal/ci/buildkit.sh --install
work=$IMGAUDIT_CI_DIR
runs=3

bin=$work/bin
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/imgaudit-stripped" ./cmd/imgaudit
imgaudit=$bin/imgaudit-stripped
dir=$(mktemp -d "$work/bench-prove.XXXXXX")
socket=unix://$dir/buildkitd.sock
"$bin/buildkitd" --root "$work/buildkit" --addr "$socket" --config "$work/buildkitd.toml" --containerd-worker=false \
  --oci-worker-binary runc --oci-worker-net host >"$dir/buildkitd.log" 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null || true; rm -rf "$dir"' EXIT
export BUILDKIT_HOST=$socket
for _ in {1..100}; do "$bin/buildctl" debug workers >/dev/null 2>&1 && break; sleep 0.1; done

# What runs an image is the first of docker, podman and runc in PATH.
mkdir "$dir/podman"
cp -rs /usr/bin/. "$dir/podman"
ln -sf "$bin/buildctl" "$(command -v go)" "$(command -v runc)" "$dir/podman/"
rm -f "$dir/podman/docker"
cp -r --no-dereference "$dir/podman" "$dir/runc"
rm -f "$dir/runc/podman"

app=$dir/app
cp -r testdata/layouts/server "$app"
"$imgaudit" generate -w "$app" >/dev/null 2>&1 || { echo "bench-prove.sh: imgaudit generate: exit code $?" >&2; exit 3; }
sed -zE 's/--mount=type=cache[^\n]*\\\n *//g' "$app/Dockerfile" >"$dir/without"
printf 'Dockerfile*\n' >>"$app/.dockerignore"
grep -q type=cache "$app/Dockerfile" && ! grep -q type=cache "$dir/without" || { echo "bench-prove.sh: the cache mounts are not as expected" >&2; exit 3; }
golang=$(sed -n 's/^FROM .*\(golang:[^ ]*\).*/\1/p' "$app/Dockerfile")

changes=0
change() { changes=$((changes + 1)); sed -i -E "s/\"server[0-9 ]*\"/\"server $RANDOM$changes\"/" "$app/main.go"; }

# prove RUNNER FILE prints the seconds that a proof takes; its report of times is left in DIR/timings.
prove() {
  local began=$EPOCHREALTIME code=0
  PATH=$dir/$1 "$imgaudit" prove "$app" --dockerfile "$2" --engine buildkit --only "as built" --timings \
    --build-context "$golang=docker-image://$IMGAUDIT_REGISTRY/golang:latest" >"$dir/out" 2>"$dir/timings" || code=$?
  ((code == 0)) && grep -q "with $1" "$dir/out" "$dir/timings" || { echo "bench-prove.sh: exit code $code with $1" >&2; cat "$dir/out" "$dir/timings" >&2; exit 3; }
  awk -v b="$began" -v e="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", e - b }'
}

missed=0
# row TITLE BOUND RUNNER FILE CHANGE measures three times, CHANGE before each.
row() {
  local title=$1 bound=$2 runner=$3 file=$4 all='' seconds slowest=0
  for ((i = 0; i < runs; i++)); do
    $5
    seconds=$(prove "$runner" "$file") || exit $?
    all+=" $(printf '%6s s' "$seconds")"
    if [[ $bound != - ]] && awk -v s="$seconds" -v b="$bound" 'BEGIN { exit !(s > b) }'; then missed=1; all+='!'; fi
    if awk -v s="$seconds" -v b="$slowest" 'BEGIN { exit !(s > b) }'; then slowest=$seconds; cp "$dir/timings" "$dir/slowest"; fi
  done
  printf '%-34s %-7s %s  bound %s s\n' "$title" "$runner" "$all" "$bound"
  sed 's/^/    /' "$dir/slowest"
}

printf '%-34s %-7s  %6s s\n' 'the first, which fills the caches' runc "$(prove runc "$app/Dockerfile")"
for runner in runc podman; do
  row 'build cached' 5 $runner "$app/Dockerfile" true
  row 'a changed file' 20 $runner "$app/Dockerfile" change
  row 'a changed file, no cache mounts' - $runner "$dir/without" change
done
exit $missed
