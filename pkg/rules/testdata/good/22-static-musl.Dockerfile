FROM golang:1.26-alpine AS build
RUN apk add --no-cache build-base sqlite-dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -tags "libsqlite3 sqlite_omit_load_extension" -ldflags '-s -w -linkmode external -extldflags "-static"' -o /app .
RUN mkdir -p /rootfs/data /rootfs/tmp && chmod 1777 /rootfs/tmp && cp /app /rootfs/app

FROM scratch
COPY --from=build /rootfs/ /
USER 10001:10001
VOLUME /data
ENTRYPOINT ["/app"]
