FROM golang:1.26-alpine3.22 AS build
WORKDIR /app
COPY go.* ./
RUN go mod download
COPY cmd ./cmd
COPY internal ./internal
RUN CGO_ENABLED=0 GOOS=linux go build -trimpath -o /out/service ./cmd/service

FROM alpine:3.22
LABEL org.opencontainers.image.source="https://git.example.com/team/service" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apk add --no-cache ca-certificates && addgroup -S app -g 1001 && adduser -S app -u 1001 -G app
COPY --from=build --chown=1001:1001 /out/service /service
ENV TZ=UTC PORT=8080
EXPOSE $PORT
USER 1001:1001
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["/service", "healthcheck"]
ENTRYPOINT ["/service"]
