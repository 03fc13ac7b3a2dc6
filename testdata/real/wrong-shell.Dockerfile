# One fault: a shell-form ENTRYPOINT in an image without a shell.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello ./right

FROM ${REGISTRY}/base/static:nonroot
COPY --from=build /out/hello /app
USER 65532:65532
ENTRYPOINT /app
