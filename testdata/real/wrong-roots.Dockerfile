# One fault: the program calls an HTTPS server, the image has no CA bundle.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '-s -w' -o /out/hello ./right

FROM ${REGISTRY}/busybox:1
COPY --from=build /out/hello /app
USER 65534:65534
ENTRYPOINT ["/app"]
