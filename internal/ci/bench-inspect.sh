#!/usr/bin/env bash
# bench-inspect.sh measures the reader of executables on large programs of Debian packages: CPU time (user and system)
# and peak memory of `imgaudit inspect`, and its ratio to what else reads the same file. The commands take turns, so that
# a busy machine is the same to all, and the least of each counts. Needs apt's package lists and a mirror on the first
# run; the packages are kept, and unpacked without being installed. govulncheck is built through the module proxy, and
# left out with a word where it cannot be. Of a stripped program it reads the list of modules only, not the code
# (golang.org/x/vuln@v1.1.4, internal/buildinfo/additions_scan.go, ErrNoSymbols), and Debian strips; so imgaudit itself
# comes last, with its symbols, where it reads the functions too.
#
#   bench-inspect.sh [WORKDIR]
#   ROUNDS=9 bench-inspect.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
rounds=${ROUNDS:-5}
mkdir -p "$work/bin" "$work/debian" "$work/vulndb/index" "$work/vulndb/ID"
work=$(cd "$work" && pwd)
programs=(docker.io/usr/sbin/dockerd hugo/usr/bin/hugo prometheus/usr/bin/prometheus imgaudit)
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/bin/imgaudit-stripped" ./cmd/imgaudit
go build -trimpath -o "$work/debian/imgaudit" ./cmd/imgaudit
go build -o "$work/bin/cputime" ./internal/ci/cputime
go test -c -o "$work/bin/binary.test" ./pkg/binary

# fetch PACKAGE unpacks a Debian package below $work/debian, once.
fetch() {
  [[ -e $work/debian/$1 ]] && return
  (cd "$work/debian" && rm -f "$1"_*.deb && apt-get -o APT::Sandbox::User=root download -qq "$1" >/dev/null &&
    dpkg-deb -x "$1"_*.deb "$1.part" && mv "$1.part" "$1" && rm -f "$1"_*.deb)
}

# vulncheck builds govulncheck, and a database for it with one entry, a function that all these programs have: with none
# it would have nothing to look for.
vulncheck() {
  [[ -x $work/bin/govulncheck ]] || GOBIN=$work/bin go install golang.org/x/vuln/cmd/govulncheck@v1.1.4 2>"$work/vulncheck.log" || return
  local id=GO-0000-0001 modified='"modified":"2024-01-01T00:00:00Z"'
  echo "{$modified}" >"$work/vulndb/index/db.json"
  echo "[{\"id\":\"$id\",$modified}]" >"$work/vulndb/index/vulns.json"
  echo "[{\"path\":\"stdlib\",\"vulns\":[{\"id\":\"$id\",$modified}]}]" >"$work/vulndb/index/modules.json"
  cat >"$work/vulndb/ID/$id.json" <<END
{"schema_version":"1.3.1","id":"$id",$modified,"published":"2024-01-01T00:00:00Z","details":"an entry for a measurement",
 "database_specific":{"url":"https://pkg.go.dev/vuln/$id"},"affected":[{"package":{"name":"stdlib","ecosystem":"Go"},
 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"ecosystem_specific":{"imports":[{"path":"os","symbols":["Getenv"]}]}}]}
END
}

# once TITLE [-max CODE] COMMAND... runs a command once and keeps the least CPU time and the highest memory of that title.
once() {
  local title=$1 seconds kib
  shift
  read -r seconds kib < <("$work/bin/cputime" -n 1 "$@") || { echo "bench-inspect.sh: $title: no measurement" >&2; exit 3; }
  cpu[$title]=$(awk -v a="${cpu[$title]:-$seconds}" -v b="$seconds" 'BEGIN { print (a < b ? a : b) }')
  rss[$title]=$(awk -v a="${rss[$title]:-0}" -v b="$kib" 'BEGIN { print (a > b ? a : b) }')
}

# row TITLE prints one line; the ratio is that of imgaudit to the title.
row() {
  printf '  %-50s %8.4f s %8.1f MiB %8s\n' "$1" "${cpu[$1]}" "$(awk -v k="${rss[$1]}" 'BEGIN { print k / 1024 }')" \
    "$(awk -v c="${cpu[$imgaudit]}" -v b="${cpu[$1]}" 'BEGIN { if (b > 0) printf "%.2fx", c / b }')"
}

# shares FILE prints what part of reading a file the table of package sizes takes, which cannot be switched off, by a
# profile of BenchmarkRead; and the simulation of the loader, which reads the libraries too, by BenchmarkResolve: inspect
# of a file alone has no image to load it in.
shares() {
  local profile=$work/inspect.prof
  (cd pkg/binary && IMGAUDIT_BENCH_BINARY=$1 "$work/bin/binary.test" -test.run '^$' -test.bench 'BenchmarkRead$' -test.benchtime 20x \
    -test.cpuprofile "$profile" >/dev/null)
  go tool pprof -top -cum -nodecount 2000 "$work/bin/binary.test" "$profile" 2>/dev/null | awk '
    $NF ~ /binary\.read$/ { all = $4 + 0 }
    $NF ~ /\(\*program\)\.(packages|paths)$/ { part += $4 }
    END { if (all > 0) printf "  of it the table of package sizes: %.1f%% (profile of BenchmarkRead)\n", part / all * 100 }'
  (cd pkg/binary && IMGAUDIT_BENCH_BINARY=$1 "$work/bin/binary.test" -test.run '^$' -test.bench 'BenchmarkResolve$' -test.benchtime 10x) |
    awk '/^BenchmarkResolve/ { least = least == "" || $3 < least ? $3 : least }
      END { printf "  beside it the loader, in the root of this machine: %.1f ms (BenchmarkResolve)\n", least / 1e6 }'
}

vulncheck || echo "bench-inspect.sh: govulncheck is left out: $(tail -n 1 "$work/vulncheck.log")"
imgaudit='imgaudit inspect -o json'
printf '%-52s %10s %12s %9s\n' "program, least of $rounds runs" "CPU" "memory" "imgaudit"
for program in "${programs[@]}"; do
  fetch "${program%%/*}" || { echo "bench-inspect.sh: ${program%%/*}: not to be had (apt-get update?)" >&2; exit 3; }
  file=$work/debian/$program
  declare -A cpu=() rss=()
  vulncheck='govulncheck -mode=binary'
  [[ $(go tool nm "$file" 2>&1 | head -n 1) != *'no symbol'* ]] || vulncheck+=' (stripped: modules only)'
  for ((i = 0; i < rounds; i++)); do
    once "$imgaudit" "$work/bin/imgaudit-stripped" inspect "$file" -o json
    once sha256sum sha256sum "$file"
    once 'cat >/dev/null' cat "$file"
    once 'go version -m' go version -m "$file"
    [[ ! -x $work/bin/govulncheck ]] || once "$vulncheck" -max 3 "$work/bin/govulncheck" -db "file://$work/vulndb" -mode=binary "$file"
  done
  printf '%s (%s MB)\n' "${program##*/}" "$(awk -v b="$(stat -c %s "$file")" 'BEGIN { printf "%.1f", b / 1e6 }')"
  row "$imgaudit"
  for title in sha256sum 'cat >/dev/null' 'go version -m' "$vulncheck"; do
    [[ -z ${cpu[$title]:-} ]] || row "$title"
  done
  shares "$file"
done
