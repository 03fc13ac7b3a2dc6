# One fault: GOMEMLIMIT in Kubernetes' notation, which the Go runtime does not take.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY hello hello
COPY right right
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/hello ./right

FROM ${REGISTRY}/base/static:nonroot
ENV GOMEMLIMIT=512Mi
COPY --from=build /out/hello /app
USER 65532:65532
ENTRYPOINT ["/app"]
