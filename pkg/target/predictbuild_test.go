package target_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
	gosource "github.com/imgaudit/imgaudit/pkg/source"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// builder is an image with the Go release of this machine by its name, and nothing else.
func builder(t *testing.T, version string, env ...string) string {
	t.Helper()
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/golang:1", imagetest.Image{
		Config: layers.Config{Env: append([]string{"PATH=/usr/local/go/bin:/bin", "GOTOOLCHAIN=local"}, env...)},
		Layers: [][]layers.File{{{Path: "usr/local/go/VERSION", Data: []byte(version + "\ntime 2026-01-01T00:00:00Z\n")}}}}.Build(t))
	return host
}

const source = `
-- go.mod --
module example.com/app

go 1.21
-- main.go --
package main

import "fmt"

var word = "none"

func main() { fmt.Println(word) }
-- sub/sub.go --
package main

import "net"

func main() { println(net.LookupHost("localhost")) }
-- cmd/other/other.go --
package main

func main() {}
`

// TestPredictBuild: the programs of go build lines are compiled here, with the flags, the environment and the names of the
// Dockerfile, and stand in the image where its COPY puts them.
func TestPredictBuild(t *testing.T) {
	local := goVersion(t)
	for _, test := range []struct{ name, lines, from, want string }{
		{"plain", "RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/app .", "/out/app", "/app -trimpath=true CGO_ENABLED=0 GOARCH=amd64 GOOS=linux"},
		{"arguments", "ARG CGO_ENABLED=0 ARCH=arm64\nRUN GOARCH=$ARCH go build -o /out/app .", "/out/app", "/app CGO_ENABLED=0 GOARCH=arm64 GOOS=linux"},
		{"own name", "ENV CGO_ENABLED=0\nRUN go build", "app", "/app CGO_ENABLED=0 GOARCH=amd64 GOOS=linux"},
		{"directory", "ENV CGO_ENABLED=0\nRUN go build -o /out/ ./cmd/...", "/out/other", "/app CGO_ENABLED=0 GOARCH=amd64 GOOS=linux"},
		{"other directory", "ENV CGO_ENABLED=0\nRUN cd cmd/other && go build -o /out/x", "/out/*", "/app CGO_ENABLED=0 GOARCH=amd64 GOOS=linux"},
		{"no compiler", "RUN go build -o /out/x ./sub", "/out/x", "/app CGO_ENABLED=0 GOARCH=amd64 GOOS=linux"},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := builder(t, local)
			s := predicted(t, "-- Dockerfile --\nARG HOST\nFROM ${HOST}/golang:1 AS build\nWORKDIR /src\nCOPY . .\n"+test.lines+"\nFROM scratch\nCOPY --from=build "+abs(test.from)+" /app\nENTRYPOINT [\"/app\"]\n"+source,
				target.Options{BuildArgs: map[string]string{"HOST": host}, Build: true})
			if s.Unpredicted != "" || len(s.Programs) != 1 {
				t.Fatal(s.Unpredicted, s.Programs)
			}
			p := s.Programs[0]
			got := p.Path
			for _, key := range []string{"-trimpath", "CGO_ENABLED", "GOARCH", "GOOS"} {
				if v := p.Go.Settings[key]; v != "" {
					got += " " + key + "=" + v
				}
			}
			if got != test.want || !p.Entry || !p.Predicted || p.Go.Settings["-buildmode"] != "exe" {
				t.Errorf("got %s %+v, want %s", got, p.Go.Settings, test.want)
			}
			if p.Go.GOROOT != "" && p.Go.GOROOT != "/usr/local/go" {
				t.Errorf("GOROOT is %s", p.Go.GOROOT)
			}
		})
	}
}

// abs is a path seen from /src.
func abs(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/src/" + name
}

// TestPredictBuildRefused holds why a program is not built here.
func TestPredictBuildRefused(t *testing.T) {
	local := goVersion(t)
	for _, test := range []struct{ release, lines, because string }{
		{"go1.20.1", "RUN go build -o /x .", "the Dockerfile has go1.20.1, this machine " + local},
		{"", "RUN go build -o /x .", "which Go the stage has is not known"},
		{local, "RUN CGO_ENABLED=1 go build -o /x ./sub", "it uses cgo, and the C library of the stage is not known, here it is "},
		{local, "ARG F\nRUN go build -ldflags=$F -o /x .", "the value of -ldflags is not known"},
		{local, "ARG GOFLAGS\nRUN go build -o /x .", "the value of GOFLAGS is not known"},
		{local, "RUN CGO_ENABLED=0 go build -toolexec=/bin/true -o /x .", "building the program: -toolexec is not run here"},
		{local, "RUN CGO_ENABLED=0 go build -ldflags='-linkmode=external -extld=./x' -o /x .", "building the program: -extld has another program run"},
		{local, "RUN CGO_ENABLED=0 go build -ldflags='-extldflags \"-static -fplugin=./x.so\"' -o /x .", "building the program: -fplugin=./x.so is not run here"},
		{local, "ENV GOFLAGS=-toolexec=/bin/true CGO_ENABLED=0\nRUN go build -o /x .", "building the program: -toolexec of GOFLAGS is not run here"},
		{local, "RUN CC=musl-gcc go build -o /x .", "CC chooses tools or their flags"},
		{local, "RUN CGO_ENABLED=0 go build -o /x ./nope", "building the program: stat "},
		{local, "RUN apk add gcc\nRUN go build -o /x ./sub", "whether the stage has gcc, and so whether cgo is used, is not known"},
	} {
		host := builder(t, test.release)
		s := predicted(t, "-- Dockerfile --\nARG HOST\nFROM ${HOST}/golang:1 AS build\nWORKDIR /src\nCOPY . .\n"+test.lines+"\nFROM scratch\nCOPY --from=build /x /app\n"+source,
			target.Options{BuildArgs: map[string]string{"HOST": host}, Build: true})
		if _, because, _ := strings.Cut(s.Unpredicted, " builds: "); !strings.HasPrefix(because, test.because) {
			t.Errorf("%q: the reason is %q, want %q", test.lines, s.Unpredicted, test.because)
		}
	}
}

func goVersion(t *testing.T) string {
	t.Helper()
	tools, err := gosource.FindToolchain(t.Context())
	if err != nil {
		t.Skip("compiles with the local toolchain: ", err)
	}
	return tools.Version
}

// TestPredictBuildStaysInside: links of the context lead where they lead in the stage; nothing of this machine is written
// or read through them.
func TestPredictBuildStaysInside(t *testing.T) {
	local, outside := goVersion(t), t.TempDir()
	host := builder(t, local)
	for _, test := range []struct{ name, lines string }{
		{"mount below a link", "WORKDIR /w\nCOPY . .\nRUN --mount=type=bind,target=/w/link/x cd /w/link/x && CGO_ENABLED=0 go build -o /app ."},
		{"directory behind a link", "WORKDIR /w\nCOPY . .\nRUN cd link && CGO_ENABLED=0 go build -o /app ."},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{
				"Dockerfile": "ARG HOST\nFROM ${HOST}/golang:1 AS build\n" + test.lines + "\nFROM scratch\nCOPY --from=build /app /app\n",
				"go.mod":     "module example.com/app\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n",
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			subjects, err := target.Subjects(t.Context(), []string{dir}, target.Options{BuildArgs: map[string]string{"HOST": host}, Build: true})
			if err != nil || len(subjects) != 1 {
				t.Fatal(subjects, err)
			}
			left, err := os.ReadDir(outside)
			if err != nil || len(left) > 0 {
				t.Errorf("%v was written, %v", left, err)
			}
		})
	}
}
