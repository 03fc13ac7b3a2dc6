package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestOrigin(t *testing.T) {
	const build = "FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN go mod download\n" // lines 1 to 4
	tests := []struct{ name, src, path, want string }{
		{"go build", build + "RUN go build -o /out/app .\nFROM scratch\nCOPY --from=build /out/app /app\n", "/app", "COPY 7, RUN 5"},
		{"into a directory", build + "RUN go build -o /out/app .\nFROM scratch\nCOPY --from=build /out/app /bin/\n", "/bin/app", "COPY 7, RUN 5"},
		{"with its directory", build + "RUN go build -o /out/bin/app .\nFROM scratch\nCOPY --from=build /out /opt\n", "/opt/bin/app", "COPY 7, RUN 5"},
		{"wildcard", build + "RUN go build -o /out/app .\nFROM scratch\nCOPY --from=build /out/* /opt/\n", "/opt/app", "COPY 7, RUN 5"},
		{"relative", build + "RUN cd cmd && go build -o app\nFROM scratch\nWORKDIR /w\nCOPY --from=build /src/cmd/app .\n", "/w/app", "COPY 8, RUN 5"},
		{"through two stages", build + "RUN go build -o /a .\nFROM alpine AS mid\nCOPY --from=build /a /b\nFROM scratch\nCOPY --from=mid /b /c\n", "/c", "COPY 9, COPY 7, RUN 5"},
		{"through a parent", build + "RUN go build -o /a .\nFROM build AS test\nRUN go test ./...\nFROM test\n", "/a", "RUN 5"},
		{"not by name", build + "RUN go build .\nFROM scratch\nCOPY --from=build /src/app /app\n", "/app", "COPY 7, RUN 5"},
		{"behind make", build + "RUN make\nFROM scratch\nCOPY --from=build /src/bin/app /app\n", "/app", "COPY 7, RUN 5"},
		{"one of two", build + "RUN make\nRUN ./build.sh\nFROM scratch\nCOPY --from=build /src/app /app\n", "/app", "COPY 8"},
		{"named among others", build + "RUN make\nRUN go build -o /app\nRUN upx /app\n", "/app", "RUN 6"},
		{"directory of programs", build + "RUN go build -o /out/ ./...\nFROM scratch\nCOPY --from=build /out/api /api\n", "/api", "COPY 7, RUN 5"},
		{"file from the context", "FROM scratch\nCOPY bin/app /app\n", "/app", "COPY 2"},
		{"directory from the context", "FROM scratch\nCOPY bin/ /opt/\n", "/opt/app", "COPY 2"},
		{"from an image", "FROM scratch\nCOPY --from=busybox /bin/sh /sh\n", "/sh", "COPY 2"},
		{"later COPY wins", "FROM scratch\nCOPY a /app\nCOPY b /app\n", "/app", "COPY 3"},
		{"not there", build + "FROM scratch\nCOPY --from=build /a /b\n", "/c", ""},
		{"another language", "FROM a\nCOPY x /app\nRUN <<E\n#!/usr/bin/python3\nopen('/out','w')\nE\nRUN\n", "/out", "RUN 3"},
		{"trigger", "FROM a AS b\nONBUILD COPY x /x\nFROM b\n", "/x", "ONBUILD 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, tt.src)
			var got []string
			for _, in := range f.Origin(f.Final(), tt.path) {
				got = append(got, fmt.Sprint(in.Keyword, " ", in.Span.Start.Line))
			}
			equal(t, "origin", strings.Join(got, ", "), tt.want)
		})
	}
}

// TestOriginEnds shows that a file with a great many ways to go is given up.
func TestOriginEnds(t *testing.T) {
	var b strings.Builder
	b.WriteString("FROM scratch AS s0\nCOPY " + strings.Repeat("a ", 50) + "/a/\n")
	for k := range 40 {
		fmt.Fprintf(&b, "FROM scratch AS s%d\nCOPY --from=s%d %s /a/\n", k+1, k, strings.Repeat("/a ", 50))
	}
	f := mustParse(t, b.String())
	if got := f.Origin(f.Final(), "/a/a/a/a/a/a"); len(got) > 41 {
		t.Errorf("%d instructions", len(got))
	}
}
