# One fault: the program does not handle SIGTERM and ends at once, with exit code 2.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY main.go ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello .

FROM ${REGISTRY}/base/static:nonroot
ENV TZ=Asia/Shanghai GOMEMLIMIT=512MiB
COPY --from=build /out/hello /app
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/app"]
