# One fault: the program loads a time zone, the image has no zoneinfo.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello ./right

FROM ${REGISTRY}/alpine:3
ENV TZ=Asia/Shanghai
COPY --from=build /out/hello /app
USER 65534:65534
ENTRYPOINT ["/app"]
