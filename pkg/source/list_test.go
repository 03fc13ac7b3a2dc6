package source

import (
	"debug/buildinfo"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// onDisk writes a txtar text into a directory.
func onDisk(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		at := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tools(t *testing.T) *Toolchain {
	t.Helper()
	found, err := FindToolchain(t.Context())
	if errors.Is(err, ErrNoGo) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const listed = `
-- go.mod --
module example.com/app

go 1.21
-- main.go --
package main

import (
	_ "embed"
	"os/user"

	_ "example.com/app/lib"
)

//go:embed data/*.txt
var text string

func main() { println(text, user.Current) }
-- tagged.go --
//go:build special

package main

import _ "net"
-- data/a.txt --
a
-- lib/c.go --
package lib

// int one(void) { return 1; }
import "C"
-- lib/lib.go --
package lib
-- needs/main.go --
package main

import _ "example.com/absent"

func main() {}
-- cmd/x/main.go --
package main

func main() {}
`

func TestList(t *testing.T) {
	tools(t)
	dir := onDisk(t, listed)
	for _, test := range []struct {
		name string
		opt  ListOptions
		cgo  string
		net  bool
	}{
		{"cgo", ListOptions{Env: map[string]string{"CGO_ENABLED": "1", "GOOS": "linux", "GOARCH": "amd64"}}, "example.com/app/lib os/user runtime/cgo", false},
		{"no cgo", ListOptions{Env: map[string]string{"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "amd64"}}, "", false},
		{"tags", ListOptions{Tags: []string{"special"}, Env: map[string]string{"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64"}}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := List(t.Context(), dir, test.opt)
			if err != nil {
				t.Fatal(err)
			}
			var cgo []string
			for _, p := range l.Cgo() {
				cgo = append(cgo, p.ImportPath)
			}
			slices.Sort(cgo)
			main := l.Packages[len(l.Packages)-1]
			if got := strings.Join(cgo, " "); got != test.cgo {
				t.Errorf("cgo is used by %q, want %q", got, test.cgo)
			}
			if !slices.Equal(l.Mains, []string{"example.com/app"}) || !slices.Equal(main.Embeds, []string{"data/a.txt"}) || slices.Contains(main.Imports, "net") != test.net {
				t.Errorf("%v %+v", l.Mains, main)
			}
		})
	}
}

// TestListIsAlone: nothing of the user's own decides, and nothing is downloaded.
func TestListIsAlone(t *testing.T) {
	tools(t)
	dir := onDisk(t, listed)
	t.Setenv("GOFLAGS", "-tags=special -mod=mod")
	t.Setenv("GOOS", "windows")
	t.Setenv("GOWORK", "/nowhere/go.work")
	l, err := List(t.Context(), dir, ListOptions{Env: map[string]string{"CGO_ENABLED": "0", "GOOS": "linux"}})
	if err != nil || slices.ContainsFunc(l.Packages, func(p Package) bool { return p.ImportPath == "net" }) {
		t.Errorf("%+v, %v", l, err)
	}
	_, err = List(t.Context(), dir, ListOptions{Packages: []string{"./needs"}})
	if err == nil || !strings.Contains(err.Error(), "example.com/absent") {
		t.Errorf("a module that is not here: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || strings.Contains(string(b), "absent") {
		t.Errorf("go.mod is %s, %v", b, err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err = List(t.Context(), dir, ListOptions{}); !errors.Is(err, ErrNoGo) {
		t.Errorf("without a go command: %v", err)
	}
}

func TestBuild(t *testing.T) {
	tools := tools(t)
	dir, out := onDisk(t, listed), t.TempDir()
	t.Setenv("GOFLAGS", "-tags=special")
	err := tools.Build(t.Context(), dir, out, BuildOptions{Flags: []string{"-trimpath", "-a", "-ldflags=-s -w"}, Packages: []string{"./cmd/..."},
		Env: map[string]string{"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64", "GOPROXY": "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(filepath.Join(out, "x"))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if info.Main.Path != "example.com/app" || settings["GOARCH"] != "arm64" || settings["-trimpath"] != "true" || settings["-tags"] != "" {
		t.Errorf("%+v", info)
	}
}

func TestBuildRefused(t *testing.T) {
	tools := tools(t)
	dir := onDisk(t, listed)
	for _, test := range []struct {
		opt  BuildOptions
		want string
	}{
		{BuildOptions{Flags: []string{"-toolexec=/bin/true"}}, "building the program: -toolexec is not run here"},
		{BuildOptions{Flags: []string{"--overlay=x"}}, "building the program: -overlay is not run here"},
		{BuildOptions{Env: map[string]string{"GOFLAGS": "-mod=mod -o=/tmp/x"}}, "building the program: -o of GOFLAGS is not run here"},
		{BuildOptions{Packages: []string{"-toolexec=/bin/true"}}, "building the program: malformed import path \"-toolexec=/bin/true\": leading dash"},
		{BuildOptions{Packages: []string{"./nope"}}, "building the program: stat "},
	} {
		if err := tools.Build(t.Context(), dir, t.TempDir(), test.opt); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %s", test.opt, err, test.want)
		}
	}
}

func TestLinkerSafe(t *testing.T) {
	for flag, want := range map[string]string{
		`-ldflags=-s -w`:                       "",
		`-ldflags=-s -w -extldflags "-static"`: "",
		`-ldflags=-linkmode external -extldflags '-static -lm -Wl,-z,relro' -X main.version=1.2`: "",
		`-ldflags=-extldflags=-static -X example.com/a.b=c`:                                      "",
		`-trimpath -ldflags=-w`:                          "",
		`-ldflags=-extld=./x`:                            "-extld has another program run",
		`-ldflags=-extld ./x`:                            "-extld has another program run",
		`-ldflags=-extldflags "-static -fplugin=./x.so"`: "-fplugin=./x.so is not run here",
		`-ldflags=-extldflags=-Wl,-plugin,./x.so`:        "-Wl,-plugin,./x.so is not run here",
		`-ldflags=-extldflags "-B ./x"`:                  "-B is not run here",
		`-ldflags=-extldflags @x`:                        "@x is not run here",
		`-compiler=gccgo`:                                "-compiler has another program run",
		`-gccgoflags=-fplugin=x`:                         "-gccgoflags has another program run",
		`-mod=mod -ldflags=-extldflags=-wrapper,./x`:     "-wrapper,./x is not run here",
	} {
		got := ""
		if err := linkerSafe(flag); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", flag, got, want)
		}
	}
}
