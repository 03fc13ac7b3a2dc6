package accuracy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// variant is a way to compile every program.
type variant struct {
	name string
	env  []string
	args []string
	why  string // it cannot be made here, set by compile
}

var withC = []string{"CGO_ENABLED=1"}

// variants are all ways. C++ and sqlite are linked into every program by a tag, so that they are used before its need.
var variants = []variant{
	{name: "static", env: []string{"CGO_ENABLED=0"}},
	{name: "static-pie", env: withC, args: []string{"-buildmode=pie", "-ldflags=-s -w -linkmode external -extldflags -static-pie"}},
	{name: "pie", env: []string{"CGO_ENABLED=0"}, args: []string{"-buildmode=pie"}},
	{name: "glibc", env: withC},
	{name: "glibc-static", env: withC, args: []string{"-ldflags=-s -w -linkmode external -extldflags -static"}},
	{name: "musl", env: append([]string{"CC=musl-gcc"}, withC...), args: []string{"-ldflags=-s -w -linkmode external"}},
	{name: "musl-static", env: append([]string{"CC=musl-gcc"}, withC...), args: []string{"-ldflags=-s -w -linkmode external -extldflags -static"}},
	{name: "c++", env: withC, args: []string{"-tags=cxx"}},
	{name: "sqlite", env: withC, args: []string{"-tags=sqlite"}},
}

// Ways to compile that only some cells use: those that cannot run anywhere, or are only seen by programs made for them.
var spoilt = []variant{
	{name: "arm64", env: []string{"CGO_ENABLED=0", "GOARCH=arm64"}},
	{name: "sqlite-stub", env: []string{"CGO_ENABLED=0"}, args: []string{"-tags=sqlite"}},
	{name: "gnu", env: withC, args: []string{"-tags=gnu"}},
	{name: "newer glibc", env: withC, args: []string{"-tags=newer"}},
	{name: "obsolete", env: []string{"CGO_ENABLED=0"}, args: []string{"-tags=obsolete"}},
}

// programs lists the programs that are compiled in a variant: every need, and what cells with a fault take.
func programs(name string) (all []string) {
	if slices.ContainsFunc(variants, func(v variant) bool { return v.name == name }) {
		all = slices.Clone(needs)
	}
	for _, s := range spoilings {
		if s.variant == name {
			all = append(all, s.needs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// needs are programs of testdata/programs, what each is there for: those of the matrix.
var needs = []string{"plain", "tls", "zone", "localtime", "temp", "shell", "user", "resolver", "signal", "unhandled"}

const sources = "testdata/programs"

// compile builds the programs of a variant into DIR/NAME; v.why says why it cannot be done here.
func (v *variant) compile(ctx context.Context, dir string, p parts) error {
	out := filepath.Join(dir, v.name) + "/"
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, v.args...)
	if !strings.Contains(strings.Join(v.args, " "), "-ldflags") {
		args = append(args, "-ldflags=-s -w")
	}
	for _, n := range programs(v.name) {
		args = append(args, "./"+n)
	}
	for _, tool := range v.tools() {
		if _, err := exec.LookPath(tool); err != nil {
			v.why = err.Error()
			return nil
		}
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = sources, append(os.Environ(), append([]string{"GOFLAGS=", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOARCH=amd64", "CGO_LDFLAGS=" + p.linked(v.name)}, v.env...)...)
	text, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(string(text), "go-sqlite3") {
		v.why = "github.com/mattn/go-sqlite3 is not to be had: " + lastLine(text) // no module proxy
		return nil
	}
	if err != nil {
		return fmt.Errorf("compiling %s: %w\n%s", v.name, err, text)
	}
	return nil
}

// tools are the compilers that a variant takes.
func (v *variant) tools() []string {
	switch {
	case v.env[0] == "CC=musl-gcc":
		return []string{"musl-gcc"}
	case v.name == "c++":
		return []string{"g++"}
	case v.env[0] == "CGO_ENABLED=1":
		return []string{"gcc"}
	}
	return nil
}

func lastLine(text []byte) string {
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return all[len(all)-1]
}
