CGO_ENABLED=0 go build -trimpath -o /app .
