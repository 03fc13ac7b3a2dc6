#!/usr/bin/env bash
# bench.sh measures the stripped imgaudit: its size, and the CPU time (user and system, best of five) and memory of the
# everyday calls, beside `cat` of the same bytes. Needs the images that main-job.sh has pushed.
#
#   bench.sh [WORKDIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
internal/ci/base-images.sh "${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}"
# shellcheck source=/dev/null
. "${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}/env.sh"

bin=$IMGAUDIT_CI_DIR/bin
mkdir -p "$bin"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/imgaudit-stripped" ./cmd/imgaudit
go build -o "$bin/cputime" ./internal/ci/cputime
imgaudit=$bin/imgaudit-stripped
file=testdata/real/right.Dockerfile
archive=$IMGAUDIT_CI_DIR/app.tar
rm -f "$archive"
skopeo copy -q --src-tls-verify=false "docker://$IMGAUDIT_REGISTRY/app:right" "docker-archive:$archive:app:right" ||
  { echo "bench.sh: no app:right on $IMGAUDIT_REGISTRY: run internal/ci/main-job.sh first" >&2; exit 3; }

# row TITLE BASELINE COMMAND... prints one line and sets cpu; the ratio is to BASELINE seconds, when given.
row() {
  local title=$1 baseline=$2 rss ratio=''
  shift 2
  read -r cpu rss < <("$bin/cputime" "$@") || { echo "bench.sh: $title: no measurement" >&2; exit 3; }
  [[ -z $baseline ]] || ratio=$(awk -v c="$cpu" -v b="$baseline" 'BEGIN { if (b > 0) printf "%.1fx", c / b }')
  printf '%-50s %8s s %8.1f MiB  %s\n' "$title" "$cpu" "$(awk -v k="$rss" 'BEGIN { print k / 1024 }')" "$ratio"
}

go version -m "$imgaudit" | sed -n '1,3p;/\tbuild\t/p'
printf '\n%-50s %8.1f MiB\n\n' "size of the stripped binary" "$(awk -v b="$(stat -c %s "$imgaudit")" 'BEGIN { print b / 1048576 }')"
printf '%-50s %10s %12s  %s\n' "call" "CPU" "memory" "to cat"
row "imgaudit --help" "" "$imgaudit" --help
row "cat right.Dockerfile" "" cat "$file"
row "imgaudit check right.Dockerfile" "$cpu" "$imgaudit" check "$file"
row "cat app.tar ($(du -h "$archive" | cut -f1))" "" cat "$archive"
row "imgaudit check --no-cache docker-archive:app.tar" "$cpu" "$imgaudit" check --no-cache "docker-archive:$archive"
row "imgaudit check --no-cache golang" "" "$imgaudit" check --no-cache "$IMGAUDIT_REGISTRY/golang:latest"
export IMGAUDIT_CACHE_DIR=$IMGAUDIT_CI_DIR/bench-cache
rm -rf "$IMGAUDIT_CACHE_DIR"
"$imgaudit" check "$IMGAUDIT_REGISTRY/golang:latest" >"$IMGAUDIT_CI_DIR/bench.log" 2>&1 || (($? == 1)) || { cat "$IMGAUDIT_CI_DIR/bench.log" >&2; exit 3; }
row "imgaudit check golang, the layers in the cache" "$cpu" "$imgaudit" check "$IMGAUDIT_REGISTRY/golang:latest"
unset IMGAUDIT_CACHE_DIR
echo
internal/ci/bench-inspect.sh "$IMGAUDIT_CI_DIR"
echo
internal/ci/bench-image.sh "$IMGAUDIT_CI_DIR"
echo
internal/ci/bench-dockerfiles.sh "$IMGAUDIT_CI_DIR"
