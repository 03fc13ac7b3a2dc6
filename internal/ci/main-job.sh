#!/usr/bin/env bash
# main-job.sh proves on real images what imgaudit says of them. It builds every Dockerfile of testdata/real (the program
# is compiled inside), pushes the images to the loopback registry, runs each one, and writes down what was observed.
# Then, if there is an imgaudit, it audits the same images with their Dockerfiles.
#
#   main-job.sh [WORKDIR]
#
# Written to WORKDIR:
#   observed.json        [{"variant", "exit", "words", "page", "leaked"}]: the exit code, the telling words, the page that
#                        was served, the secrets that the image holds
#   reports/VARIANT.json imgaudit's report on the image 127.0.0.1:PORT/app:VARIANT
#
# IMGAUDIT names the executable (default: built from ./cmd/imgaudit); IMGAUDIT_BUILDKIT=0 leaves out the BuildKit build.
# Exit code: 0 all as expected, 1 an observation or a verdict is not what testdata/real/README.md says, 3 could not look.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
real=$repo/testdata/real
export IMGAUDIT_CI_DIR=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}

"$here/base-images.sh" "$IMGAUDIT_CI_DIR"
work=$(cd "$IMGAUDIT_CI_DIR" && pwd)
# shellcheck source=/dev/null
. "$work/env.sh"
mkdir -p "$work"/{bin,go-build,reports}
cd "$repo"

port=18080
failed=0
say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }
complain() { failed=1; say "NOT AS EXPECTED: $*"; }

# --- the HTTPS peer and the build context -----------------------------------------------------------------------------

go build -o "$work/bin/tlspeer" ./internal/ci/tlspeer || exit 3
"$work/bin/tlspeer" serve "$work/ca" 127.0.0.1:8443 >"$work/tlspeer.log" 2>&1 &
peer=$!
trap 'kill $peer ${engine:-} 2>/dev/null; podman rm -f -t 0 "${running:-none}" >/dev/null 2>&1 || true' EXIT
for _ in {1..100}; do grep -q serving "$work/tlspeer.log" && break; sleep 0.05; done
kill -0 $peer || { cat "$work/tlspeer.log" >&2; exit 3; }

# A context as it is in life: a clone, with its .git and its .env.
context=$work/context
rm -rf "$context"
cp -r "$real/app" "$context"
git -C "$context" init -q -b main
git -C "$context" add -A
git -C "$context" -c user.name=nobody -c user.email=nobody@example.com commit -q -m all
printf '[remote "origin"]\n\turl = https://user:not-a-real-token@git.example/hello.git\n' >>"$context/.git/config"

# --- build, push ------------------------------------------------------------------------------------------------------

# build VARIANT builds testdata/real/VARIANT.Dockerfile and pushes it. The Go build cache is shared between variants.
build() {
  local file=$real/$1.Dockerfile image=$IMGAUDIT_REGISTRY/app:$1 ignore=()
  [[ ! -e $file.dockerignore ]] || ignore=(--ignorefile "$file.dockerignore")
  buildah bud --isolation chroot --network host --layers --pull-always --build-arg "REGISTRY=$IMGAUDIT_REGISTRY" \
    --volume "$work/go-build:/root/.cache/go-build" "${ignore[@]}" -f "$file" -t "$image" "$context" >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; exit 3; }
  buildah push --quiet --tls-verify=false "$image" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 3; }
  say "built and pushed app:$1"
}

# leaks VARIANT lists what app:VARIANT holds that should have stayed outside: .env, .git, a token in its environment.
leaks() {
  local root
  root=$(podman image mount "$IMGAUDIT_REGISTRY/app:$1")
  (cd "$root" && find . -xdev \( -name .env -o -path '*/.git/config' \) -printf '/%P\n')
  podman image unmount "$IMGAUDIT_REGISTRY/app:$1" >/dev/null
  podman image inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$IMGAUDIT_REGISTRY/app:$1" | sed -n 's/^\(.*TOKEN\)=.*/$\1/p'
}

# --- run, observe -----------------------------------------------------------------------------------------------------

# observe VARIANT EXIT LEAKS WORDS runs app:VARIANT until it ends by itself, or has served its page and then got 3 seconds
# to obey SIGTERM, and holds what happened against the expected exit code, number of leaked secrets, and words (an
# extended regular expression).
observe() {
  local variant=$1 want=$2 leaks=$3 words=$4 image=$IMGAUDIT_REGISTRY/app:$1 log=$work/run.log page='' code said leaked
  running=imgaudit-ci-$variant
  podman rm -f -t 0 "$running" >/dev/null 2>&1 || true
  : >"$log"
  # --read-only-tmpfs=false: else the engine lends the image a /tmp
  if podman run -d --name "$running" --network host --read-only-tmpfs=false -e PORT=$port "$image" >/dev/null 2>"$log"; then
    for _ in {1..100}; do
      page=$(curl -sS -m 8 "http://127.0.0.1:$port/" 2>/dev/null) && break
      [[ $(podman inspect -f '{{.State.Running}}' "$running") == true ]] || break
      sleep 0.05
    done
    podman kill -s TERM "$running" >/dev/null 2>&1 || true
    if ! timeout 3 podman wait --interval 50ms "$running" >/dev/null 2>&1; then
      echo "SIGTERM lost: still running after 3 s" >>"$log"
      podman kill -s KILL "$running" >/dev/null
    fi
    code=$(podman wait --interval 50ms "$running")
    podman logs "$running" >>"$log" 2>&1
  else
    code=$?
  fi
  podman rm -f -t 0 "$running" >/dev/null 2>&1 || true
  said=$( (cat "$log"; echo "$page") | grep -m1 -oE "$words" || true)
  leaked=$(leaks "$variant")
  jq -nc --arg v "$variant" --argjson e "$code" --arg w "${said:-$(tail -c 300 "$log")}" --arg p "$page" --arg l "$leaked" \
    '{variant: $v, exit: $e, words: $w, page: ($p | split("\n")), leaked: ($l | split("\n"))}' >>"$work/observed.lines"
  say "ran app:$variant: exit $code: ${said:-$(tail -c 300 "$log")}"
  [[ $code == "$want" ]] || complain "app:$variant: exit $code, not $want"
  [[ $(wc -w <<<"$leaked") == "$leaks" ]] || complain "app:$variant: leaks <$leaked>, not $leaks things"
  [[ $said ]] || complain "app:$variant: never said /$words/: $(cat "$log") $page"
  # One fault a variant: what was served has no other error.
  [[ $(grep ERROR <<<"$page" | grep -cvE "$words") == 0 ]] || complain "app:$variant has another fault: $page"
}

# --- audit ------------------------------------------------------------------------------------------------------------

if [[ -z ${IMGAUDIT:-} && -e cmd/imgaudit/main.go ]]; then
  CGO_ENABLED=0 go build -trimpath -o "$work/bin/imgaudit" ./cmd/imgaudit || exit 3
  IMGAUDIT=$work/bin/imgaudit
fi

# audit VARIANT FILE EXIT FINDINGS audits app:VARIANT as built from testdata/real/FILE.Dockerfile and holds the exit code
# and the errors and warnings ("rule:line ...", or "-") against what is expected: none may be missing, none too many.
# Without a FILE the image's own provenance has to tell the lines.
audit() {
  local variant=$1 file=$2 want=$3 findings=$4 code=0 found with=()
  [[ ${IMGAUDIT:-} ]] || return 0
  [[ -z $file ]] || with=(--dockerfile "$real/$file.Dockerfile" --context "$context" --build-arg "REGISTRY=$IMGAUDIT_REGISTRY")
  "$IMGAUDIT" check "$IMGAUDIT_REGISTRY/app:$variant" "${with[@]}" -o "json=$work/reports/$variant.json" 2>"$work/check.log" || code=$?
  ((code <= 1)) || { cat "$work/check.log" >&2; complain "imgaudit check app:$variant: exit $code, not $want"; return; }
  found=$(jq -r '[.findings[]? | select(.severity != "note") | "\(.rule):\(.location.line // 0)"] | join(" ")' "$work/reports/$variant.json")
  say "audited app:$variant: exit $code: ${found:=-}"
  [[ $code == "$want" ]] || complain "imgaudit check app:$variant: exit $code, not $want"
  [[ $found == "$findings" ]] || complain "imgaudit check app:$variant: found <$found>, not <$findings>"
}

# --- the job ----------------------------------------------------------------------------------------------------------

: >"$work/observed.lines"
while IFS=$'\t' read -r variant exit leaks audit words findings; do
  [[ $variant != '#'* ]] || continue
  build "$variant"
  observe "$variant" "$exit" "$leaks" "$words"
  audit "$variant" "$variant" "$audit" "$findings"
done <"$real/expected.tsv"

if [[ ${IMGAUDIT_BUILDKIT:-1} != 0 ]]; then
  "$here/buildkit.sh" "$real/wrong.Dockerfile" "$context" "$IMGAUDIT_REGISTRY/app:wrong-buildkit"
  say "built and pushed app:wrong-buildkit"
  podman pull -q "$IMGAUDIT_REGISTRY/app:wrong-buildkit" >/dev/null
  IFS=$'\t' read -r _ exit leaks audit words findings < <(grep -P '^wrong\t' "$real/expected.tsv")
  observe wrong-buildkit "$exit" "$leaks" "$words"
  audit wrong-buildkit wrong "$audit" "$findings"
  # The rules on the build context have nothing to look at.
  audit wrong-buildkit '' "$audit" "$(sed -E 's/context-unfiltered:[0-9]+ //g' <<<"$findings")"
fi

# sources VARIANT audits app:VARIANT from a registry, the engine's socket (as podman and as docker), files and pipes: one image,
# one report, but for its name and digest.
sources() {
  local image=$IMGAUDIT_REGISTRY/app:$1 socket=$work/podman.sock out=$work/sources code
  [[ ${IMGAUDIT:-} ]] || return 0
  rm -rf "$out" "$socket"
  mkdir "$out"
  podman system service --time=0 "unix://$socket" >"$out/engine.log" 2>&1 &
  engine=$!
  for _ in {1..100}; do [[ ! -S $socket ]] || break; sleep 0.05; done
  local -x CONTAINER_HOST=unix://$socket DOCKER_HOST=unix://$socket
  skopeo copy -q --src-tls-verify=false "docker://$image" "oci-archive:$out/oci.tar"
  from() { # NAME TARGET: with what comes in on standard input
    code=0
    "$IMGAUDIT" check --no-cache "$2" -o "json=$out/$1.full.json" 2>"$out/$1.log" || code=$?
    ((code <= 1)) || { complain "app from $1: exit $code: $(cat "$out/$1.log")"; return; }
    jq 'del(.tool) | del(.subjects[].image["ref", "source", "digest"])' "$out/$1.full.json" >"$out/$1.json"
    cmp -s "$out/registry.json" "$out/$1.json" || complain "app from $1: another report than from the registry"
  }
  from registry "$image"
  from podman "podman:$image"
  from docker "docker:$image"
  from file "$out/oci.tar"
  from oci-pipe - < <(cat "$out/oci.tar")
  from save-pipe - < <(podman save "$image" 2>/dev/null)
  from skopeo-pipe - < <(skopeo copy -q --src-tls-verify=false "docker://$image" docker-archive:/dev/stdout)
  from packed-pipe - < <(gzip -c "$out/oci.tar")
  kill "$engine"
  say "audited app:$1 from a registry, an engine, a file and pipes"
}
sources right
sources wrong-roots

# publicKeys audits the base images: what everybody can download holds no secret, though the Go distribution has keys for tests.
publicKeys() {
  local image found
  [[ ${IMGAUDIT:-} ]] || return 0
  for image in golang:1.26 debian:12-slim base/static:nonroot base/base:nonroot alpine:3 busybox:1; do
    "$IMGAUDIT" check "$IMGAUDIT_REGISTRY/$image" -o "json=$work/reports/base.json" 2>"$work/check.log" || (($? == 1)) ||
      { complain "imgaudit check $image: $(cat "$work/check.log")"; continue; }
    found=$(jq -c '[.findings[]? | select(.rule | startswith("secret-")) | .message]' "$work/reports/base.json")
    [[ $found == '[]' ]] || complain "imgaudit check $image: secrets $found"
  done
  say "audited the base images: no secrets"
}
publicKeys

jq -s . "$work/observed.lines" >"$work/observed.json"
rm "$work/observed.lines"
# Observations against findings, in Go.
if [[ -e internal/ci/mainjob_test.go ]]; then go test -count=1 ./internal/ci || failed=1; fi
if ((failed)); then say "main job: FAILED"; else say "main job: ok, observations in $work/observed.json"; fi
exit $failed
