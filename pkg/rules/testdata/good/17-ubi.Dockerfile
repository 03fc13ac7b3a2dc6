FROM registry.example.com/ubi9/go-toolset:1.26 AS build
COPY --chown=1001:0 go.mod go.sum ./
RUN go mod download
COPY --chown=1001:0 . .
RUN CGO_ENABLED=0 go build -buildvcs=false -o /tmp/app ./cmd/app

FROM registry.example.com/ubi9/ubi-micro:9.6
COPY --from=build /tmp/app /usr/bin/app
USER 1001
ENTRYPOINT ["/usr/bin/app"]
