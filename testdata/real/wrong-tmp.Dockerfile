# One fault: the program makes a temporary file, the image has no /tmp.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello ./right

FROM scratch
ENV USER=hello HOME=/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/hello /app
USER 65532:65532
ENTRYPOINT ["/app"]
