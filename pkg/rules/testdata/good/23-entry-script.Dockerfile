FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN CGO_ENABLED=0 go build -o /usr/local/bin/app ./cmd/app

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 app \
 && useradd --uid 1000 --gid app --home-dir /var/lib/app --create-home app
COPY --from=build /usr/local/bin/app /usr/local/bin/
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/
USER 1000:1000
WORKDIR /var/lib/app
ENTRYPOINT ["tini", "--", "docker-entrypoint.sh"]
CMD ["app", "server"]
