# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=bind,source=go.mod,target=go.mod \
    --mount=type=bind,source=go.sum,target=go.sum \
    go mod download
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build <<EOF
set -eux
export CGO_ENABLED=0
go build -trimpath -o /out/ ./cmd/...
EOF

FROM gcr.example.com/distroless/static-debian12:nonroot AS api
COPY --from=build /out/api /api
ENTRYPOINT ["/api"]

FROM gcr.example.com/distroless/static-debian12:nonroot AS worker
COPY --from=build /out/worker /worker
ENTRYPOINT ["/worker"]
