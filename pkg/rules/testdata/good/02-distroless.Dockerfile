# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /go/src/app
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /go/bin/app

FROM gcr.example.com/distroless/static-debian12:nonroot
COPY --from=build /go/bin/app /
CMD ["/app"]
