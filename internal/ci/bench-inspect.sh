#!/usr/bin/env bash
# bench-inspect.sh measures the reader of executables on large programs of Debian packages: CPU time (user and system,
# best of five) and memory of `imgaudit inspect`, beside what else reads the same file. Needs apt's package lists and a
# mirror on the first run; the packages are kept, and unpacked without being installed.
#
#   bench-inspect.sh [WORKDIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
mkdir -p "$work/bin" "$work/debian"
work=$(cd "$work" && pwd)
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/bin/imgaudit-stripped" ./cmd/imgaudit
go build -o "$work/bin/cputime" ./internal/ci/cputime

# fetch PACKAGE unpacks a Debian package below $work/debian, once.
fetch() {
  [[ -d $work/debian/$1 ]] && return
  (cd "$work/debian" && rm -f "$1"_*.deb && apt-get -o APT::Sandbox::User=root download -qq "$1" >/dev/null &&
    dpkg-deb -x "$1"_*.deb "$1.part" && mv "$1.part" "$1" && rm -f "$1"_*.deb)
}

# row TITLE COMMAND... prints one line; the ratio is to sha256sum of the same file.
row() {
  local title=$1 rss ratio=''
  shift
  read -r cpu rss < <("$work/bin/cputime" "$@") || { echo "bench-inspect.sh: $title: no measurement" >&2; exit 3; }
  [[ $title == sha256sum ]] && hash=$cpu
  [[ -z $hash ]] || ratio=$(awk -v c="$cpu" -v b="$hash" 'BEGIN { if (b > 0) printf "%.2fx", c / b }')
  printf '  %-42s %8s s %8.1f MiB  %s\n' "$title" "$cpu" "$(awk -v k="$rss" 'BEGIN { print k / 1024 }')" "$ratio"
}

printf '%-44s %10s %12s  %s\n' "program" "CPU" "memory" "to sha256sum"
for program in docker.io/usr/sbin/dockerd hugo/usr/bin/hugo prometheus/usr/bin/prometheus; do
  fetch "${program%%/*}" || { echo "bench-inspect.sh: ${program%%/*}: not to be had (apt-get update?)" >&2; exit 3; }
  file=$work/debian/$program
  hash=''
  printf '%s (%s MB)\n' "${program##*/}" "$(awk -v b="$(stat -c %s "$file")" 'BEGIN { printf "%.1f", b / 1e6 }')"
  row "sha256sum" sha256sum "$file"
  row "cat" cat "$file"
  row "go version -m" go version -m "$file"
  row "imgaudit inspect -o json" "$work/bin/imgaudit-stripped" inspect "$file" -o json
done
