#!/usr/bin/env bash
# bench-image.sh measures the reader of images: imgaudit check on a small image, the golang image and a big one of our
# own, from archives, layouts and a registry on loopback, cold (an empty cache) and warm. Beside it, in turn, the floor
# (internal/ci/floor: fetch, unpack, both digests, tar headers, on two cores) and what else there is: dive and crane,
# built through the module proxy, and left out with a word where they cannot be, dockle and syft where installed. Each
# figure is the median of ROUNDS runs; the floor and the neighbours run in the same rounds, so a busy machine is the same
# to all.
#
#   bench-image.sh [WORKDIR]
#   ROUNDS=3 MIB=2500 FILES=120000 SYFT=1 bench-image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
internal/ci/base-images.sh "${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}"
# shellcheck source=/dev/null
. "${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}/env.sh"
bin=$IMGAUDIT_CI_DIR/bin images=$IMGAUDIT_CI_DIR/bench rounds=${ROUNDS:-3} mib=${MIB:-2500} files=${FILES:-120000}
mkdir -p "$bin" "$images"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/imgaudit-stripped" ./cmd/imgaudit
go build -o "$bin/" ./internal/ci/cputime ./internal/ci/floor ./internal/ci/bigimage
imgaudit=$bin/imgaudit-stripped cache=$images/cache
export XDG_CACHE_HOME=$cache

# neighbour MODULE installs a program, once.
neighbour() {
  [[ -x $bin/$(basename "${1%@*}") ]] || GOBIN=$bin go install "$1" 2>"$images/install.log" ||
    echo "bench-image.sh: without ${1%@*}: $(tail -1 "$images/install.log")" >&2
}
neighbour github.com/google/go-containerregistry/cmd/crane@v0.22.1
neighbour github.com/wagoodman/dive/cmd/dive@latest
PATH=$bin:$PATH

# --- the images

big() { # DIRECTORY BIGIMAGE-OPTION... makes an image, once
  local dir=$images/$1
  [[ -e $dir/made ]] || { rm -rf "$dir"; "$bin/bigimage" "${@:2}" "$dir"; touch "$dir/made"; }
}
big "big-$mib-$files" -mib "$mib" -files "$files" -goroot "$(go env GOROOT)"
big whiteouts-2000 -mib 50 -files 150000 -whiteouts 2000
big whiteouts-20000 -mib 50 -files 150000 -whiteouts 20000
big tiny -tiny 600000
ln -sfn "big-$mib-$files" "$images/big"
rm -f "$images/golang.tar"
skopeo copy -q --src-tls-verify=false "docker://$IMGAUDIT_REGISTRY/golang:latest" "docker-archive:$images/golang.tar:golang:latest"
[[ -e $images/golang/index.json ]] || skopeo copy -q "docker-archive:$images/golang.tar" "oci:$images/golang:golang"
rm -f "$images/app.tar"
skopeo copy -q --src-tls-verify=false "docker://$IMGAUDIT_REGISTRY/app:right" "docker-archive:$images/app.tar:app:right" ||
  { echo "bench-image.sh: no app:right on $IMGAUDIT_REGISTRY: run internal/ci/main-job.sh first" >&2; exit 3; }
remote=
if command -v crane >/dev/null; then # skopeo would put the layers there unpacked, as it knows the registry to have them
  crane push --insecure "$images/golang" "$IMGAUDIT_REGISTRY/bench/golang:packed" >/dev/null 2>&1
  crane push --insecure "$images/big/oci" "$IMGAUDIT_REGISTRY/bench/big:latest" >/dev/null 2>&1
  remote=1
fi

# --- the measurements

declare -A cpu wall rss

# once NAME COMMAND... runs a command and keeps its figures. A command that cannot do it is left out with a word.
once() {
  local c m w
  [[ ${cpu[$1]-} == '-' ]] && return
  if ! read -r c m w < <(timeout 600 "$bin/cputime" -n 1 -wall "${@:2}" 2>"$images/run.log"); then
    cpu[$1]='-'
    return
  fi
  cpu[$1]+="$c "; rss[$1]+="$m "; wall[$1]+="$w "
}

# median FIGURES
median() { tr ' ' '\n' <<<"$1" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# measure TITLE TARGET NAME=COMMAND... runs the commands in turn and prints a line for each; the CPU time of those behind
# one called floor is compared with it. Before a command with "cold" in its name the cache is emptied.
measure() {
  local title=$1 target=$2 round entry name command base='' c
  shift 2
  cpu=() wall=() rss=()
  for ((round = 0; round < rounds; round++)); do
    for entry in "$@"; do
      name=${entry%%=*} command=${entry#*=}
        [[ $name != *cold* ]] || rm -rf "$cache"
      # shellcheck disable=SC2086 # commands are words
      once "$name" $command
    done
  done
  printf '\n%s   (%s)\n' "$title" "$target"
  for entry in "$@"; do
    name=${entry%%=*}
    if [[ ${cpu[$name]} == '-' ]]; then printf '  %-26s not measured: %s\n' "$name" "$(tail -c 120 "$images/run.log" | tr '\n' ' ')"; continue; fi
    c=$(median "${cpu[$name]}")
    [[ $name != floor* ]] || base=$c
    printf '  %-26s %7.2f s wall %7.2f s CPU %7.0f MB  %s\n' "$name" "$(median "${wall[$name]}")" "$c" \
      "$(awk -v k="$(median "${rss[$name]}")" 'BEGIN { print k / 1000 }')" \
      "$([[ -z $base || $name == floor* ]] || awk -v c="$c" -v b="$base" 'BEGIN { if (b > 0) printf "%.2fx the CPU of the floor", c / b }')"
  done
}

check() { echo "$imgaudit check -q $1"; }
others=()
more() { # FILE: the neighbours that read a docker-archive
  others=()
  ! command -v dive >/dev/null || others+=("dive=env CI=true timeout 120 dive docker-archive://$1")
  ! command -v dockle >/dev/null || others+=("dockle=dockle --input $1")
  [[ -z ${SYFT:-} ]] || ! command -v syft >/dev/null || others+=("syft=syft --from docker-archive $1 -o json")
}

more "$images/app.tar"
measure "small image, docker-archive" "target 0.10 s, 40 MB" "floor=$bin/floor $images/app.tar" "imgaudit cold=$(check "docker-archive:$images/app.tar")" \
  "imgaudit warm=$(check "docker-archive:$images/app.tar")" "${others[@]}"
more "$images/golang.tar"
measure "golang, docker-archive" "target 0.8 s" "floor=$bin/floor $images/golang.tar" "imgaudit cold=$(check "docker-archive:$images/golang.tar")" \
  "imgaudit warm=$(check "docker-archive:$images/golang.tar")" "${others[@]}"
if [[ $remote ]]; then
  measure "golang, registry" "target 1.2 x the floor's wall, 1.17 x its CPU, 80 MB; warm 0.06 s" "floor=$bin/floor http://$IMGAUDIT_REGISTRY/bench/golang:packed" \
    "imgaudit cold=$(check "$IMGAUDIT_REGISTRY/bench/golang:packed")" "imgaudit warm=$(check "$IMGAUDIT_REGISTRY/bench/golang:packed")" \
    "crane export=crane export --insecure $IMGAUDIT_REGISTRY/bench/golang:packed -"
  measure "big, registry" "target 1.2 x the floor's wall, 1.09 x its CPU, 200 MB" "floor=$bin/floor http://$IMGAUDIT_REGISTRY/bench/big:latest" \
    "imgaudit cold=$(check "$IMGAUDIT_REGISTRY/bench/big:latest")" "imgaudit warm=$(check "$IMGAUDIT_REGISTRY/bench/big:latest")" \
    "crane export=crane export --insecure $IMGAUDIT_REGISTRY/bench/big:latest -"
fi
measure "big, OCI layout" "target 1.2 x the floor's wall, 1.09 x its CPU, 200 MB" "floor=$bin/floor $images/big/oci" \
  "imgaudit cold=$(check "oci:$images/big/oci")" "imgaudit warm=$(check "oci:$images/big/oci")"
more "$images/big/big.docker.tar"
measure "big, docker-archive" "no target; dive is stopped after 120 s" "floor=$bin/floor $images/big/big.docker.tar" \
  "imgaudit cold=$(check "docker-archive:$images/big/big.docker.tar")" "${others[@]}"
measure "2,000 and 20,000 whiteouts" "target: the second at most 1.2 x the first" "2000 cold=$(check "oci:$images/whiteouts-2000/oci")" \
  "20000 cold=$(check "oci:$images/whiteouts-20000/oci")"
measure "600,000 tiny files" "target 256 MiB" "floor=$bin/floor $images/tiny/oci" "imgaudit cold=$(check "oci:$images/tiny/oci")"
