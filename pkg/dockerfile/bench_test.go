package dockerfile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// service is a Dockerfile of 60 lines, as a Go service has it.
const service = `# syntax=docker/dockerfile:1
# The toolchain.
ARG GO_VERSION=1.26
ARG ALPINE=3.22
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine${ALPINE} AS base
WORKDIR /src
ENV CGO_ENABLED=0 \
    GOFLAGS=-trimpath \
    GOCACHE=/root/.cache/go-build
RUN apk add --no-cache ca-certificates git tzdata && \
    update-ca-certificates

# Modules.
FROM base AS modules
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    go mod download

# Tests.
FROM modules AS test
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    go vet ./... && \
    # all of them
    go test ./...

# The program.
FROM modules AS build
ARG TARGETOS TARGETARCH TARGETVARIANT
ARG VERSION=dev
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -ldflags="-s -w -X main.version=${VERSION}" -o /out/api ./cmd/api
RUN <<EOF
set -e
mkdir -p /rootfs/tmp
chmod 1777 /rootfs/tmp
echo 'app:x:65532:65532::/:/sbin/nologin' > /rootfs/passwd
EOF

# The image.
FROM scratch
LABEL org.opencontainers.image.title="api" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /rootfs/ /
COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=base /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build --chown=65532:65532 /out/api /api
ENV TZ=UTC
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s CMD ["/api", "-health"]
ENTRYPOINT ["/api"]
CMD ["-listen", ":8080"]
`

// BenchmarkParse: a Dockerfile of 60 lines takes less than a millisecond.
func BenchmarkParse(b *testing.B) {
	if n := strings.Count(service, "\n"); n < 58 || n > 62 {
		b.Fatalf("%d lines", n)
	}
	src := []byte(service)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dockerfile.Parse("Dockerfile", src, dockerfile.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTaken: a context of 4,000 files, half of them in an ignored directory.
func BenchmarkTaken(b *testing.B) {
	dir := b.TempDir()
	write := writer(b, dir)
	write(".dockerignore", "node_modules\n**/*.log\n!keep.log")
	for k := range 2000 {
		name := fmt.Sprintf("d%d/e%d/f%d", k%20, k%100, k)
		write(name, "")
		write("node_modules/"+name, "")
	}
	in := mustParse(b, "FROM a\nCOPY . .\n").Final().Instructions[0]
	c := mustContext(b, os.DirFS(dir), "")
	for b.Loop() {
		taken, err := c.Taken(in, 0)
		if err != nil || len(taken) != 2001 {
			b.Fatal(len(taken), err)
		}
	}
}

func TestService(t *testing.T) {
	f := mustParse(t, service)
	checkSpans(t, f)
	checkBuildKit(t, []byte(service))
	equal(t, "build", showBuild(f.Stages[3].Instructions[3].Run.Builds[0]), `build "/src" "/out/api" [./cmd/api] `+
		`{CGO_ENABLED:0 GOARCH:amd64 GOARM: GOCACHE:/root/.cache/go-build GOFLAGS:-trimpath GOOS:linux} [] [ldflags=-s -w -X main.version=${VERSION} o=/out/api]`)
	origin := f.Origin(f.Final(), "/api")
	equal(t, "origin", len(origin), 2)
	equal(t, "by", origin[1], f.Stages[3].Instructions[3])
	equal(t, "tests are not built", f.Reachable(f.Stages[2]), false)
}
