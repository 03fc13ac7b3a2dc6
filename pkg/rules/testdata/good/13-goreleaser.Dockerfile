FROM gcr.example.com/distroless/static-debian12:nonroot
COPY app /usr/bin/app
ENTRYPOINT ["/usr/bin/app"]
