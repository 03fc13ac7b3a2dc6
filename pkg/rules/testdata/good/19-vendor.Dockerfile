FROM golang:1.26 AS build
WORKDIR /go/src/example.com/app
COPY . .
RUN CGO_ENABLED=0 go build -mod=vendor -trimpath -o /app ./cmd/app

FROM gcr.example.com/distroless/base-debian12:nonroot
COPY --from=build /app /app
EXPOSE 8443
ENTRYPOINT ["/app"]
CMD ["serve"]
