FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN make build

FROM busybox:1.37-glibc
COPY --from=build /src/bin/app /bin/app
COPY config /etc/app
EXPOSE 9090
USER 1000:1000
ENTRYPOINT ["/bin/app"]
CMD ["--config.file=/etc/app/app.yml"]
