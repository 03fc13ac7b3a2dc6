FROM node:22-alpine AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci
COPY web/ .
RUN npm run build

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /web/dist ./internal/web/dist
RUN CGO_ENABLED=0 go build -o /app ./cmd/app

FROM alpine:3.22
RUN apk add --no-cache tzdata
WORKDIR /srv
COPY --from=build /app ./app
COPY --from=build /src/migrations ./migrations
HEALTHCHECK --interval=30s CMD wget -qO- http://localhost:8080/healthz || exit 1
USER nobody
CMD ["./app"]
