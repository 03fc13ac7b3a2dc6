FROM golang:1.26-alpine AS build
RUN apk --no-cache add ca-certificates tzdata && adduser -D -g '' -u 1001 appuser
WORKDIR /src
COPY . .
RUN set -eux; \
    go mod download; \
    CGO_ENABLED=0 go build -o /bin/app .

FROM scratch
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build /bin/app /bin/app
USER appuser
ENTRYPOINT ["/bin/app"]
