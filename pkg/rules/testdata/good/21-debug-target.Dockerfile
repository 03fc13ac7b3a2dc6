FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -gcflags "all=-N -l" -o /out/app-debug ./cmd/app && \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/app ./cmd/app
RUN CGO_ENABLED=0 GOBIN=/out go install github.com/go-delve/delve/cmd/dlv@v1.25.2

FROM gcr.example.com/distroless/static-debian12 AS debug
COPY --from=build /out/dlv /out/app-debug /
ENTRYPOINT ["/dlv", "exec", "/app-debug", "--headless", "--listen=:4000"]

FROM gcr.example.com/distroless/static-debian12:nonroot
COPY --from=build /out/app /app
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app"]
