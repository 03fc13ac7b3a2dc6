FROM alpine:3.22
ARG TARGETPLATFORM
RUN apk add --no-cache ca-certificates git
COPY $TARGETPLATFORM/tool /usr/bin/tool
COPY LICENSE /licenses/
ENTRYPOINT ["/usr/bin/tool"]
