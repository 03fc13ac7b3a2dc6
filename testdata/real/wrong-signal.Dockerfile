# One fault: a shell-form ENTRYPOINT where /bin/sh is dash, which keeps SIGTERM to itself.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello ./right

FROM ${REGISTRY}/debian:12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/hello /app
USER 65534:65534
ENTRYPOINT /app
