#!/usr/bin/env bash
# base-images.sh makes the base images that the real Dockerfiles of testdata/real start FROM and serves them from a
# registry on the loopback interface, so that real builds need no other registry.
#
#   base-images.sh [WORKDIR]          start the registry, make what is missing (first time ~20 s, then < 1 s)
#   base-images.sh --stop [WORKDIR]   stop the registry
#
# Each image is one to three plain tar layers of files that the distribution's packages put on this machine, pushed with
# curl: no container engine takes part. The images (all under 127.0.0.1:$IMGAUDIT_REGISTRY_PORT, default 5055):
#
#   base/static:{latest,nonroot}  no loader, no shell; CA bundle, zoneinfo, /tmp, passwd, nsswitch.conf
#   base/base:{latest,nonroot}    base/static and glibc and OpenSSL
#   alpine:3                      musl loader, busybox, CA bundle; no zoneinfo
#   busybox:1                     busybox alone: neither CA bundle nor zoneinfo
#   debian:12-slim                dash as /bin/sh, bash, coreutils, glibc, zoneinfo; no CA bundle
#   debian:12                     and libstdc++, useradd, adduser
#   golang:1.N                    debian:12, gcc, g++, git, make, pkg-config, curl, CA bundle and the Go toolchain of this machine
#   apk/NAME:latest               no image to run, but what `apk add NAME` brings: gcc, musl-dev, git, make, go, mailcap. They are
#                                 Debian's programs with the glibc they need, and gcc compiles for musl
#
# A CA bundle is the ca-certificates package's plus one throw-away CA, which signs the local HTTPS peer of
# internal/ci/tlspeer: an image with a bundle reaches that peer and one without does not.
# WORKDIR/env.sh points buildah, podman and skopeo at the registry and at a storage of their own.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
stop=
[[ ${1:-} == --stop ]] && { stop=1; shift; }
work=${1:-${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}}
mkdir -p "$work"
work=$(cd "$work" && pwd)
port=${IMGAUDIT_REGISTRY_PORT:-5055}
registry=127.0.0.1:$port
epoch=1767225600 # 2026-01-01: fixed times make fixed digests

die() { echo "base-images.sh: $*" >&2; exit 3; }

if [[ $stop ]]; then
  [[ ! -e $work/registry.pid ]] || kill "$(<"$work/registry.pid")" 2>/dev/null || true
  rm -f "$work/registry.pid"
  exit 0
fi

# --- what must be installed -------------------------------------------------------------------------------------------

"$here/install.sh"
((UID == 0)) || die "the layers hold files of root and of user 65532: run as root"
goroot=$(go env GOROOT)
goversion=$(go env GOVERSION)
goversion=${goversion#go}
gominor=$(cut -d. -f1-2 <<<"$goversion")

# --- the registry and how the engines find it -------------------------------------------------------------------------

exec 9>"$work/lock" # two runs at once take turns
flock 9

cat >"$work/registry.yml" <<Y
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
Y
cat >"$work/registries.conf" <<Y
unqualified-search-registries = []
[[registry]]
location = "$registry"
insecure = true
Y
# The limits and the runtime are those that work for a root without CAP_SYS_RESOURCE and on hybrid cgroups, too.
cat >"$work/containers.conf" <<Y
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
Y
# overlayfs does not mount on every file system (not on another overlayfs): then files are copied from layer to layer.
driver() {
  local probe
  probe=$(mktemp -d "$work/probe.XXXXXX")
  mkdir "$probe"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null; then
    umount "$probe/merged"
    echo overlay
  else
    echo vfs
  fi
  rm -rf "$probe"
}
[[ -e $work/storage.conf ]] || cat >"$work/storage.conf" <<Y
[storage]
driver = "$(driver)"
graphroot = "$work/storage"
runroot = "$work/run"
Y
cat >"$work/buildkitd.toml" <<Y
[registry."$registry"]
  http = true
[worker.oci]
  maxUsedSpace = "6GB"
Y
cat >"$work/env.sh" <<Y
export CONTAINERS_REGISTRIES_CONF=$work/registries.conf REGISTRIES_CONFIG_PATH=$work/registries.conf
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
export IMGAUDIT_CI_DIR=$work IMGAUDIT_REGISTRY=$registry BUILDAH_ISOLATION=chroot
Y

serving() { curl -fsS -m 2 -o /dev/null "http://$registry/v2/" 2>/dev/null; }
if ! serving; then
  setsid nohup docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 </dev/null 9>&- &
  echo $! >"$work/registry.pid"
  for _ in {1..100}; do serving && break; sleep 0.05; done
  serving || die "starting the registry on $registry: $(tail -1 "$work/registry.log")"
fi

# --- nothing to do? ---------------------------------------------------------------------------------------------------

# They are made anew when this script, the packages or Go changed, each month (the CA is good for a year), and when
# another WORKDIR, with another CA, has pushed its own to the same registry.
manifest_type=application/vnd.oci.image.manifest.v1+json
recipe() { # this script's inputs, and the digest that golang, made last, has in the registry
  (cat "$0" "$here/tlspeer/main.go"; echo "$goversion" && dpkg-query -W && date +%Y-%m) | sha256sum
  curl -fsI -H "Accept: $manifest_type" "http://$registry/v2/golang/manifests/$gominor" | grep -i '^docker-content-digest'
}
if [[ -e $work/recipe && $(recipe) == "$(<"$work/recipe")" ]]; then exit 0; fi
rm -rf "$work/recipe" "$work/roots" "$work/layers"
mkdir -p "$work/roots" "$work/layers"
(cd "$here/../.." && go run ./internal/ci/tlspeer ca "$work/ca")

# --- from packages to root directories --------------------------------------------------------------------------------

# files PACKAGE... lists what the packages installed here, documentation left out, with the merged /usr spelled out.
files() {
  dpkg -L "$@" | sed -E 's,^/(bin|sbin|lib|lib32|lib64|libx32)(/|$),/usr/\1\2,; s,^/,,' |
    grep -vE '^usr/share/(man|locale|lintian|bug|info|gcc|doc)(/|$)|/(lto1|lto-wrapper|lto-dump)$|lib(a|hwa|l|t|ub)san' | sort -u |
    while IFS= read -r f; do [[ -e /$f || -L /$f ]] && printf '%s\n' "$f"; done
}

# unpack ROOT PACKAGE... copies the files of the packages, and their dpkg records the way distroless images keep them.
unpack() {
  local root=$1 p
  shift
  files "$@" | tar -C / --no-recursion -T - -cf - | tar -C "$root" -xf -
  mkdir -p "$root/var/lib/dpkg/status.d"
  for p; do dpkg-query -s "$p" >"$root/var/lib/dpkg/status.d/$p"; done
}

# new NAME makes an empty root with the directories that every image but `scratch` has, and prints its path.
new() {
  local root=$work/roots/$1 d
  mkdir -p "$root"/{etc,home,proc,root,run,sys,dev,tmp,usr,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  chmod 700 "$root/root"
  for d in bin sbin lib lib64; do
    mkdir -p "$root/usr/$d"
    ln -s "usr/$d" "$root/$d"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnobody:x:65534:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  echo "$root"
}

# bundle ROOT writes the CA bundle. The host's own bundle is not used: it may hold the host's private authorities.
bundle() {
  mkdir -p "$1/etc/ssl/certs"
  { find /usr/share/ca-certificates -name '*.crt' -print0 | sort -z | xargs -0 cat; cat "$work/ca/ca.crt"; } \
    >"$1/etc/ssl/certs/ca-certificates.crt"
}

# applets ROOT installs busybox and a link for each of its applets.
applets() {
  local a
  cp /bin/busybox "$1/bin/busybox"
  for a in $(/bin/busybox --list); do [[ $a == busybox ]] || ln -sf busybox "$1/bin/$a"; done
}

# --- from root directories to images ----------------------------------------------------------------------------------

# layer NAME packs the root of that name as WORKDIR/layers/NAME.tar.
layer() { tar -C "$work/roots/$1" --sort=name --numeric-owner --mtime=@$epoch -cf "$work/layers/$1.tar" .; }

# blob REPOSITORY FILE uploads a file unless it is there and prints its digest.
blob() {
  local digest location
  digest=sha256:$(sha256sum "$2" | cut -d' ' -f1)
  if ! curl -fsI -o /dev/null "http://$registry/v2/$1/blobs/$digest"; then
    location=$(curl -fsS -X POST -D - -o /dev/null "http://$registry/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^location: //Ip')
    curl -fsS -o /dev/null -T "$2" -H 'Content-Type: application/octet-stream' "$location&digest=$digest"
  fi
  echo "$digest"
}

# push REPOSITORY "TAG..." CONFIG LAYER... pushes an image of the named layers with this JSON object as its `config`.
push() {
  local repo=$1 tags=$2 config=$3 json layers='[]' history='[]' diffs='[]' name digest tag
  shift 3
  for name; do
    digest=$(blob "$repo" "$work/layers/$name.tar")
    layers=$(jq -c --arg d "$digest" --argjson s "$(stat -c %s "$work/layers/$name.tar")" \
      '. + [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $d, size: $s}]' <<<"$layers")
    diffs=$(jq -c --arg d "$digest" '. + [$d]' <<<"$diffs")
    history=$(jq -c --arg n "$name" '. + [{created: "2026-01-01T00:00:00Z", created_by: ("base-images.sh " + $n)}]' <<<"$history")
  done
  json=$work/layers/config.json
  jq -nc --argjson c "$config" --argjson d "$diffs" --argjson h "$history" --arg a "$(go env GOHOSTARCH)" \
    '{created: "2026-01-01T00:00:00Z", architecture: $a, os: "linux", config: $c, rootfs: {type: "layers", diff_ids: $d}, history: $h}' >"$json"
  digest=$(blob "$repo" "$json")
  jq -nc --arg t "$manifest_type" --arg d "$digest" --argjson s "$(stat -c %s "$json")" --argjson l "$layers" \
    '{schemaVersion: 2, mediaType: $t, config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: $s}, layers: $l}' \
    >"$work/layers/manifest.json"
  for tag in $tags; do
    curl -fsS -o /dev/null -X PUT -H "Content-Type: $manifest_type" --data-binary "@$work/layers/manifest.json" "http://$registry/v2/$repo/manifests/$tag"
  done
  echo "base-images.sh: $registry/$repo: $tags"
}

# --- the images -------------------------------------------------------------------------------------------------------

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# distroless NAME PACKAGE... makes base/NAME in its two flavours.
distroless() {
  local name=$1 root env
  shift
  root=$(new "$name")
  unpack "$root" base-files netbase tzdata media-types "$@"
  bundle "$root"
  echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >>"$root/etc/passwd"
  echo 'nonroot:x:65532:' >>"$root/etc/group"
  mkdir "$root/home/nonroot"
  chown 65532:65532 "$root/home/nonroot"
  layer "$name"
  env="[\"PATH=$path\",\"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\"]"
  push "base/$name" latest "{\"Env\":$env,\"User\":\"0\",\"WorkingDir\":\"/\"}" "$name"
  push "base/$name" nonroot "{\"Env\":$env,\"User\":\"65532\",\"WorkingDir\":\"/home/nonroot\"}" "$name"
}

distroless static
distroless base libc6 libssl3

root=$(new alpine)
applets "$root"
loader=ld-musl-$(uname -m).so.1
cp -L "/lib/$loader" "$root/lib/$loader"
ln -s "$loader" "$root/lib/libc.musl-$(uname -m).so.1"
bundle "$root"
ln -s certs/ca-certificates.crt "$root/etc/ssl/cert.pem"
# A release that never ends, so that what imgaudit finds does not depend on the day.
echo 3.99.0 >"$root/etc/alpine-release"
printf 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.99.0\nPRETTY_NAME="Alpine Linux v3.99"\n' >"$root/etc/os-release"
mkdir -p "$root/lib/apk/db"
for p in musl busybox ca-certificates-bundle; do printf 'P:%s\nV:1-r0\nA:%s\n\n' "$p" "$(uname -m)"; done >"$root/lib/apk/db/installed"
layer alpine
push alpine "3 latest" "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"/bin/sh\"]}" alpine

root=$(new busybox)
applets "$root"
layer busybox
push busybox "1 latest" "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"sh\"]}" busybox

# closure PACKAGE... lists the packages and all they depend on.
closure() {
  apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
    grep '^[a-z]' | cut -d: -f1 | sort -u
}
mapfile -t slim < <(closure dash bash coreutils libc-bin base-files tzdata sed grep | grep -vxE 'dpkg|tar|debianutils|debconf.*|perl-base')
root=$(new debian)
unpack "$root" "${slim[@]}"
cat "$root"/var/lib/dpkg/status.d/* >"$root/var/lib/dpkg/status" # one file, as a full Debian has it
rm -r "$root/var/lib/dpkg/status.d"
ln -sf dash "$root/bin/sh"
layer debian
push debian "12-slim latest" "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"bash\"]}" debian

# What the real debian has, too: find, what C++ links, useradd and its kin, and adduser, which is Perl and calls chfn. The rest of
# what they are packed with has setuid bits, and would be a finding.
root=$work/roots/users
mkdir -p "$root"/{etc/pam.d,var/lib/dpkg}
mapfile -t users < <(closure findutils libstdc++6 passwd adduser perl-base | grep -vxFf <(printf '%s\n' "${slim[@]}") |
  grep -vxE 'passwd|dpkg|tar|debianutils|debconf.*|libpam-.*')
unpack "$root" "${users[@]}"
cat "$work"/roots/debian/var/lib/dpkg/status "$root"/var/lib/dpkg/status.d/* >"$root/var/lib/dpkg/status"
rm -r "$root/var/lib/dpkg/status.d"
tar -C / --mode=u-s,g-s -cf - usr/sbin/{nologin,{user,group}{add,mod,del}} usr/bin/{chage,chfn,gpasswd} etc/default/useradd etc/login.defs \
  "usr/lib/$(gcc -dumpmachine)"/security/pam_{rootok,permit}.so | tar -C "$root" -xf -
printf '%s\n' 'auth sufficient pam_rootok.so' 'account required pam_permit.so' 'session required pam_permit.so' >"$root/etc/pam.d/chfn"
(cat "$work/roots/debian/etc/group"; echo users:x:100:) >"$root/etc/group"
layer users
push debian 12 "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"bash\"]}" debian users

# tools ROOT PACKAGE... copies what the packages and all they depend on have, but for what the image debian has and for what
# no build takes.
tools() {
  local root=$1 all
  shift
  mapfile -t all < <(closure "$@" | grep -vxFf <(printf '%s\n' "${slim[@]}" "${users[@]}") |
    grep -vxE 'lib[a-z]*san[0-9]|libgprofng.*|dpkg|tar|debconf.*|perl|perl-modules.*|libperl.*|liberror-perl|git-man')
  files "${all[@]}" | tar -C / --no-recursion -T - -cf - | tar -C "$root" -xf -
}
root=$work/roots/tools
mkdir -p "$root"/{etc,go/src,go/bin,usr/bin}
chmod 1777 "$root"/go{,/src,/bin}
tools "$root" gcc libc6-dev g++ git make pkg-config curl
bundle "$root"
layer tools
tar -C "$goroot" --sort=name --numeric-owner --owner=0 --group=0 --mtime=@$epoch --transform 's,^\.,usr/local/go,S' \
  --exclude='./test' --exclude='./api' --exclude='./doc' --exclude='./misc' --exclude='./src/cmd' --exclude='testdata' --exclude='*_test.go' \
  -cf "$work/layers/go.tar" .

# What apk installs in the stand-in of alpine: the last layer is the package itself, those before it are shared.
# libraries PACKAGE... lists the packages of libraries among all that these depend on.
libraries() { closure "$@" | grep -E '^(lib|zlib)' | grep -vE -- '-dev|san[0-9]|gprofng|perl|curl|krb|gssapi|ldap|sasl|gnutls|ssl|db5|gdbm'; }
# package NAME PATTERN PACKAGE... makes the layer apk-NAME of the files of the packages whose names match.
package() {
  local root=$work/roots/apk-$1 pattern=$2
  mkdir -p "$root"
  shift 2
  files "$@" | grep -E "$pattern" | tar -C / --no-recursion -T - -cf - | tar -C "$root" -xf -
}
mapfile -t libs < <(libraries gcc git make)
package glibc '\.so' "${libs[@]}"
layer apk-glibc
mapfile -t compiler < <(closure gcc | grep -E '^(binutils|cpp|gcc|libgcc-[0-9]+-dev)')
package gcc . "${compiler[@]}"
root=$work/roots/apk-gcc
rm "$root/usr/bin/gcc"
printf '#!/bin/sh\nexec %s-gcc-%s "$@" -specs /usr/lib/%s-linux-musl/musl-gcc.specs\n' \
  "$(gcc -dumpmachine)" "$(gcc -dumpversion)" "$(uname -m)" >"$root/usr/bin/gcc"
chmod 755 "$root/usr/bin/gcc"
ln -sf gcc "$root/usr/bin/cc"
package musl-dev . musl-dev musl-tools
ln -s "/lib/$loader" "$work/roots/apk-musl-dev/usr/lib/$(uname -m)-linux-musl/libc.so" # else gcc links against libc.a
package git . git
package make . make
package mailcap . media-types
mkdir -p "$work/roots/apk-go/usr/bin"
ln -s /usr/local/go/bin/go /usr/local/go/bin/gofmt "$work/roots/apk-go/usr/bin/"
for name in gcc git make musl-dev mailcap go; do layer "apk-$name"; done
for name in gcc git make; do push "apk/$name" latest '{}' apk-glibc "apk-$name"; done
for name in musl-dev mailcap; do push "apk/$name" latest '{}' "apk-$name"; done
push apk/go latest '{}' go apk-go

push golang "$gominor $goversion latest" "{\"Env\":[\"PATH=/go/bin:/usr/local/go/bin:$path\",\"GOLANG_VERSION=$goversion\",\"GOTOOLCHAIN=local\",\"GOPATH=/go\"],\"Cmd\":[\"bash\"],\"WorkingDir\":\"/go\"}" \
  debian users tools go

rm -rf "$work/roots" "$work/layers"
recipe >"$work/recipe"
