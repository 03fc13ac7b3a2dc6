FROM golang:1.26 AS tools
RUN go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.10 \
 && go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1

FROM golang:1.26 AS build
COPY --from=bufbuild/buf:1.59.0 /usr/local/bin/buf /usr/local/bin/buf
COPY --from=tools /go/bin/ /usr/local/bin/
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN buf generate && CGO_ENABLED=0 go build -o /bin/grpc-server ./cmd/grpc-server

FROM cgr.example.com/static:latest@sha256:7b1f2f0c7a2b6f5d4c3e2d1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c
COPY --from=build /bin/grpc-server /grpc-server
USER nonroot
ENTRYPOINT ["/grpc-server"]
