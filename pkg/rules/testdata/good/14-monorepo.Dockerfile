FROM golang:1.26 AS build
WORKDIR /workspace
COPY go.work go.work.sum ./
COPY libs/go.mod libs/go.sum libs/
COPY services/orders/go.mod services/orders/go.sum services/orders/
RUN go mod download
COPY libs/ libs/
COPY services/orders/ services/orders/
RUN CGO_ENABLED=0 go build -trimpath -o /bin/orders ./services/orders/cmd/orders

FROM gcr.example.com/distroless/static-debian12
COPY --from=build /bin/orders /orders
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/orders"]
