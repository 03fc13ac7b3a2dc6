# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN <<EOF
version=$(cat VERSION)
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${version}" -o /out/app ./cmd/app
EOF

FROM debian:bookworm-slim
RUN <<EOF
set -e
apt-get update
apt-get install -y --no-install-recommends ca-certificates tzdata
rm -rf /var/lib/apt/lists/*
useradd --system --uid 10001 --no-create-home app
EOF
COPY --from=build /out/app /usr/local/bin/app
COPY <<EOF /etc/app/app.toml
listen = ":8080"
EOF
USER 10001
ENTRYPOINT ["/usr/local/bin/app", "--config", "/etc/app/app.toml"]
