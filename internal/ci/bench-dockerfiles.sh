#!/usr/bin/env bash
# bench-dockerfiles.sh measures one run over many Dockerfiles: the CPU time (user and system, whole process, best of RUNS)
# of `imgaudit check DIR` over a tree made of the rules' own cases (internal/ci/dockerfiles). Beside it BuildKit's parser
# and instructions alone (internal/ci/parsefloor), BuildKit's own lint, offline (internal/oracle/lintfloor), and tally, from
# npm, which is left out with a word where it cannot be had.
#
#   bench-dockerfiles.sh [WORKDIR]
#   FILES=300 RUNS=20 bench-dockerfiles.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}} files=${FILES:-150} runs=${RUNS:-15}
bin=$work/bin tree=$work/bench/dockerfiles
mkdir -p "$bin" "$work/bench"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/imgaudit-stripped" ./cmd/imgaudit
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/" ./internal/ci/cputime ./internal/ci/dockerfiles ./internal/ci/parsefloor
(cd internal/oracle && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/" ./lintfloor)
rm -rf "$tree"
echo "$("$bin/dockerfiles" -n "$files" pkg/rules/testdata "$tree") in one run"

tally=$work/npm/node_modules/@wharflab/tally-linux-x64/bin/tally
if [[ ! -x $tally ]]; then
  mkdir -p "$work/npm"
  (cd "$work/npm" && npm i --ignore-scripts --no-audit --no-fund @wharflab/tally-linux-x64) >"$work/npm/install.log" 2>&1 ||
    { echo "bench-dockerfiles.sh: without tally: $(tail -1 "$work/npm/install.log")" >&2; tally=; }
fi

# row TITLE GOAL COMMAND... prints one line: the time, and how many times imgaudit's it is, or imgaudit is of it.
row() {
  local title=$1 goal=$2 cpu rss
  shift 2
  read -r cpu rss < <("$bin/cputime" -n "$runs" "$@") || { echo "bench-dockerfiles.sh: $title: no measurement" >&2; exit 3; }
  [[ -n ${ours:-} ]] || ours=$cpu
  printf '%-46s %8s s %7.1f MiB  %8s  %s\n' "$title" "$cpu" "$(awk -v k="$rss" 'BEGIN { print k / 1024 }')" \
    "$(awk -v o="$ours" -v c="$cpu" 'BEGIN { printf "%.2fx", o / c }')" "$goal"
}

printf '\n%-46s %10s %11s  %8s  %s\n' call CPU memory "ours/its" goal
row "imgaudit check DIR" "" "$bin/imgaudit-stripped" check "$tree"
row "BuildKit's parser and instructions" "at most 3x" "$bin/parsefloor" "$tree"
row "BuildKit's own lint, offline" "at most 2x" "$bin/lintfloor" "$tree"
[[ -z $tally ]] || runs=3 row "tally lint DIR" "at most 0.067x (15 times less)" "$tally" lint "$tree"
