# syntax=docker/dockerfile:1
ARG GO_VERSION=1.26
ARG ALPINE_VERSION=3.22
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine${ALPINE_VERSION} AS base
RUN apk add --no-cache git
WORKDIR /src
ENV CGO_ENABLED=0

FROM base AS version
RUN --mount=target=. \
    git describe --match 'v[0-9]*' --dirty='.m' --always --tags | tee /tmp/.version

FROM base AS build
ARG TARGETOS TARGETARCH
RUN --mount=target=. \
    --mount=from=version,source=/tmp/.version,target=/tmp/.version \
    --mount=target=/root/.cache,type=cache \
    --mount=target=/go/pkg/mod,type=cache \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X main.version=$(cat /tmp/.version)" -o /usr/bin/app ./cmd/app

FROM scratch AS binary
COPY --link --from=build /usr/bin/app /

FROM base AS lint
RUN --mount=target=. --mount=target=/root/.cache,type=cache go vet ./...

FROM alpine:${ALPINE_VERSION} AS image
RUN apk --update --no-cache add ca-certificates tzdata
COPY --from=build /usr/bin/app /usr/local/bin/app
EXPOSE 8080
VOLUME ["/data"]
USER 1000
ENTRYPOINT ["app"]
CMD ["serve"]
