# Everything that usually goes wrong with a Go service, in one image. README.md has the list.
ARG REGISTRY=127.0.0.1:5055

FROM ${REGISTRY}/golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=1 go build -a -ldflags '-extldflags "-static"' -o /out/hello .

FROM scratch
ARG API_TOKEN=0123456789abcdef-not-a-real-token
ENV API_TOKEN=$API_TOKEN
ENV TZ=Asia/Shanghai
ENV GOMEMLIMIT=512Mi
WORKDIR /srv
COPY . .
COPY --from=build /out/hello /app
EXPOSE 8080
ENTRYPOINT /app
