# The imgaudit image: the program, and the CA roots it needs to reach registries.
ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
ARG GOPROXY
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/imgaudit ./cmd/imgaudit
RUN mkdir -p -m 1777 /rootfs/tmp

# imgaudit:ignore=command-missing reason="only --build asks for go, and says that it is not there; prove looks for engines likewise"
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/imgaudit /imgaudit
COPY --from=build /rootfs/ /
USER 65532:65532
ENTRYPOINT ["/imgaudit"]
