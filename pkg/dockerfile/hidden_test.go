package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestHiddenBuilds(t *testing.T) {
	tests := []struct{ run, want string }{
		{"make build", "make"},
		{"cd /src && CGO_ENABLED=0 make -j4", "make: CGO_ENABLED=0 make -j4"},
		{"go mod download && mage build", "mage"},
		{"./build.sh", "./build.sh"},
		{"scripts/build.sh --release", "scripts/build.sh"},
		{"/src/hack/build", "/src/hack/build"},
		{"sh build.sh", "build.sh"},
		{"bash -eux ./scripts/build", "./scripts/build"},
		{"sh -c 'cd x && make'", "make"},
		{"sh -c \"$CMD\"", "sh -c"},
		{"sh -c 'echo x'", ""},
		{"env A=1 -u B make", "make"},
		{"time nice -n5 make", "make"},
		{"sudo -u app -E make", "make"},
		{"timeout 60 ./x", "./x"},
		{"env", ""},
		{"$BUILD ./...", "$BUILD"},
		{"go run ./tools/build", "go run"},
		{"go generate ./... && go build .", "go generate"},
		{"go -C tools tool x", ""},
		{"go build . && go test ./... && go mod tidy", ""},
		{"ls cmd | xargs -n1 go build -o /out", "xargs"},
		{"find cmd -name main.go -exec go build {} \\;", "find"},
		{"for d in a b; do make -C $d; done", "make"},
		{"(cd x; task build) | tee log", "task"},
		{". ./env.sh && go build .", "."},
		{"eval \"$X\"", "eval"},
		{"apt-get update && apt-get install -y make", ""},
		{"/usr/bin/make && /usr/local/go/bin/go build .", "/usr/bin/make"},
		{"cp a b && rm -rf /x && update-ca-certificates", ""},
		{"<<EOF\nset -e\nmake\nEOF", "make"},
		{"<<EOF\n#!/usr/bin/env python3\nx\nEOF", ""},
		{"[\"make\", \"build\"]", `make: "make", "build"`},
		{"[\"go\", \"build\", \".\"]", ""},
		{"if true; then", ""},
	}
	for _, tt := range tests {
		f := mustParse(t, "FROM golang\nWORKDIR /src\nRUN "+tt.run+"\n")
		var got []string
		for _, h := range f.Final().Instructions[1].Hidden() {
			line := h.Program
			if strings.Contains(tt.want, ":") {
				line += ": " + f.Text(h.Span)
			}
			got = append(got, line)
		}
		equal(t, tt.run, strings.Join(got, ", "), tt.want)
	}
	f := mustParse(t, "FROM a\nCOPY a b\nSHELL [\"powershell\"]\nRUN make\n")
	equal(t, "other instructions and shells", fmt.Sprint(f.Final().Instructions[0].Hidden(), f.Final().Instructions[2].Hidden()), "[] []")
}
