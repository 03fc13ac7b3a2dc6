#!/usr/bin/env bash
# fuzz.sh [TIME] runs every Fuzz function of the modules here for TIME (default 20s), one after the other. Inputs are not
# minimised: with goroutines in what is tested, that alone takes the whole time.
set -euo pipefail
cd "$(dirname "$0")/../.."
{ grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' pkg cmd internal || echo 'fuzz.sh: no fuzz function' >&2; } |
  sed -E 's,^(.*)/[^/]+:[0-9]+:func (.*),./\1 \2,' | sort -u |
  while read -r package function; do
    echo "== $package $function"
    (cd "$package" && go test . -run '^$' -fuzz "^$function\$" -fuzztime "${1:-20s}" -fuzzminimizetime 1x)
  done
