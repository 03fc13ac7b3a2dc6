package reality

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// build is a way to build a program; what it says is put before and behind the command.
type build struct {
	name string
	env  []string
	args []string
}

// The builds.
var (
	static   = build{"static", []string{"CGO_ENABLED=0"}, []string{"-trimpath", "-ldflags=-s -w"}}
	untrim   = build{"untrim", []string{"CGO_ENABLED=0"}, nil}
	embedded = build{"embedded", []string{"CGO_ENABLED=0"}, []string{"-trimpath", "-tags=timetzdata"}}
	pie      = build{"pie", []string{"CGO_ENABLED=0"}, []string{"-trimpath", "-buildmode=pie"}}
	cgo      = build{"cgo", []string{"CGO_ENABLED=1"}, []string{"-trimpath", "-ldflags=-linkmode=external"}}
	cgoglibc = build{"cgoglibc", []string{"CGO_ENABLED=1"}, []string{"-trimpath", "-ldflags=-linkmode=external -extldflags=-static"}}
	cgomusl  = build{"cgomusl", []string{"CGO_ENABLED=1", "CC=musl-gcc"}, []string{"-trimpath", "-ldflags=-linkmode=external"}}
	arm64    = build{"arm64", []string{"CGO_ENABLED=0", "GOARCH=arm64"}, []string{"-trimpath", "-ldflags=-s -w"}}
)

// recipes are the programs and libraries in C: $OUT is the file to write, $ART the directory of the others.
var recipes = map[string]string{
	"libneed.so.1":      "gcc -shared -fPIC -Wl,-soname,libneed.so.1 -o $OUT need.c",
	"less/libneed.so.1": "gcc -shared -fPIC -DLESS -Wl,-soname,libneed.so.1 -o $OUT need.c",
	"musl/libneed.so.1": "musl-gcc -shared -fPIC -Wl,-soname,libneed.so.1 -o $OUT need.c",
	"c":                 "gcc -o $OUT main.c",
	"c-need":            "gcc -DNEED -Wl,-z,now -o $OUT main.c $ART/libneed.so.1",
	"c-runpath":         "gcc -DNEED -o $OUT main.c -Wl,--enable-new-dtags,-rpath,/opt/lib $ART/libneed.so.1",
	"c-gnu":             "gcc -DGNU -o $OUT main.c",
	"c-musl":            "musl-gcc -o $OUT main.c",
	"c-musl-need":       "musl-gcc -DNEED -o $OUT main.c $ART/musl/libneed.so.1",
}

// workshop makes programs on demand, once each.
type workshop struct {
	dir  string
	mu   sync.Mutex
	made map[string]*artifact
}

type artifact struct {
	once sync.Once
	data []byte
	err  error
}

func newWorkshop(t *testing.T) *workshop {
	return &workshop{dir: t.TempDir(), made: map[string]*artifact{}}
}

// make returns the bytes that a command writes to $OUT; the name is the artifact's.
func (w *workshop) make(t *testing.T, name string, env []string, command ...string) []byte {
	t.Helper()
	w.mu.Lock()
	a := w.made[name]
	if a == nil {
		a = &artifact{}
		w.made[name] = a
	}
	w.mu.Unlock()
	a.once.Do(func() {
		out := filepath.Join(w.dir, name)
		if a.err = os.MkdirAll(filepath.Dir(out), 0o755); a.err != nil {
			return
		}
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "$OUT", out)
		}
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = "testdata"
		cmd.Env = append(append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOARCH=amd64", "ART="+w.dir), env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			a.err = fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, text)
			return
		}
		a.data, a.err = os.ReadFile(out)
	})
	if a.err != nil {
		t.Fatalf("making %s: %v", name, a.err)
	}
	return a.data
}

// program is a Go program of testdata/apps, or of this package's own testdata, built in a way.
func program(path, name string, b build) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		if b.name == cgo.name || b.name == cgoglibc.name {
			needTool(t, "gcc")
		}
		if b.name == cgomusl.name {
			needTool(t, "musl-gcc")
		}
		source := "./" + name
		if _, err := os.Stat(filepath.Join("testdata", name)); err != nil {
			source = "../../../testdata/apps/" + name
		}
		command := append([]string{"go", "build", "-o", "$OUT"}, b.args...)
		data := w.shop.make(t, name+"-"+b.name, b.env, append(command, source)...)
		return []layers.File{{Path: path, Mode: 0o755, Data: data}}
	}
}

// inC is an artifact of the recipes.
func inC(path, name string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		recipe := recipes[name]
		needTool(t, strings.Fields(recipe)[0])
		for word := range strings.FieldsSeq(recipe) {
			if needed, ok := strings.CutPrefix(word, "$ART/"); ok {
				inC(path, needed)(t, w)
			}
		}
		data := w.shop.make(t, name, nil, "sh", "-c", recipe)
		return []layers.File{{Path: path, Mode: 0o755, Data: data}}
	}
}
