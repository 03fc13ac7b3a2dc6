package matrix

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// variant is a way to build.
type variant struct {
	name     string
	env      []string
	args     []string
	loaders  []string // that the result may have, "" for none
	cgo      bool     // C code can be built
	compiler string   // "" if none is needed
	release  release  // of the toolchain, 0 for the one in $PATH
	version  string   // of the toolchain, "" for the one in $PATH
}

const (
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
	armLoader   = "/lib/ld-linux-aarch64.so.1"
)

var (
	pure     = []string{"CGO_ENABLED=0", "GOARCH=amd64"}
	withC    = []string{"CGO_ENABLED=1", "GOARCH=amd64"}
	stripped = []string{"-trimpath", "-ldflags=-s -w -buildid="}
)

// variants are the ways of the toolchain in $PATH, then older toolchains.
var variants = []variant{
	{name: "plain", env: pure, loaders: []string{""}},
	{name: "stripped", env: pure, args: stripped, loaders: []string{""}},
	{name: "cgo", env: withC, args: []string{"-ldflags=-s -w"}, loaders: []string{"", glibcLoader}, cgo: true, compiler: "gcc"},
	{name: "pie", env: pure, args: []string{"-buildmode=pie", "-ldflags=-s -w"}, loaders: []string{glibcLoader}},
	{name: "cgo-pie", env: withC, args: []string{"-buildmode=pie", "-ldflags=-s -w"}, loaders: []string{glibcLoader}, cgo: true, compiler: "gcc"},
	{name: "arm64", env: []string{"CGO_ENABLED=0", "GOARCH=arm64"}, args: stripped, loaders: []string{""}},
	{name: "arm64-pie", env: []string{"CGO_ENABLED=0", "GOARCH=arm64"}, args: []string{"-buildmode=pie", "-ldflags=-s -w"}, loaders: []string{armLoader}},
	{name: "unoptimised", env: pure, args: []string{"-gcflags=all=-N -l"}, loaders: []string{""}},
	{name: "static-glibc", env: withC, args: []string{"-ldflags=-s -w -linkmode external -extldflags -static"}, loaders: []string{""}, cgo: true, compiler: "gcc"},
	{name: "musl", env: append([]string{"CC=musl-gcc"}, withC...), args: []string{"-ldflags=-s -w -linkmode external"}, loaders: []string{muslLoader}, cgo: true, compiler: "musl-gcc"},
	old(16, "1.16.15"), old(17, "1.17.13"), old(18, "1.18.10"), old(19, "1.19.13"), old(20, "1.20.14"), old(21, "1.21.13"),
	old(22, "1.22.12"), old(23, "1.23.12"), old(24, "1.24.11"),
}

// old builds with another toolchain.
func old(r release, version string) variant {
	return variant{
		name: "go" + version, env: append([]string{"GOTOOLCHAIN=go" + version}, pure...), args: []string{"-ldflags=-s -w"},
		loaders: []string{""}, release: r, version: version,
	}
}

// ready skips a variant whose tools are not here. Toolchains come from the module cache; only a full run downloads them.
func (v variant) ready(t *testing.T) {
	t.Helper()
	if v.compiler != "" {
		if _, err := exec.LookPath(v.compiler); err != nil {
			t.Skipf("no C compiler: %v", err)
		}
	}
	if v.version == "" {
		return
	}
	err := v.toolchain("GOPROXY=off")
	if err != nil && full() {
		err = v.toolchain()
	}
	if err != nil {
		t.Skipf("Go %s is not in the module cache (IMGAUDIT_MATRIX=all downloads it): %v", v.version, err)
	}
}

// toolchain starts the toolchain.
func (v variant) toolchain(env ...string) error {
	c := exec.Command("go", "version")
	c.Env = append(v.environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		return &exec.Error{Name: strings.TrimSpace(string(out)), Err: err}
	}
	return nil
}

// environ is free of the settings of whoever runs the test, which an older toolchain may not know.
func (v variant) environ() []string {
	return append(append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK=off"), v.env...)
}

// suits says whether a program can be built this way.
func (v variant) suits(p *program) bool {
	return (v.cgo || !p.cgo) && (v.release == 0 || v.release >= p.release)
}

// resolver is the one that package net is built with. Source: net/conf.go and the constraints of net/cgo_*.go.
func (v variant) resolver(p *program) string {
	if v.cgo && !strings.Contains(p.tags, "netgo") {
		return binary.ResolverCgo
	}
	return binary.ResolverGo
}

// full says whether every program is to be built in every variant.
func full() bool { return os.Getenv("IMGAUDIT_MATRIX") == "all" }

// chosen are the programs to build: all of them, or so many that each program is built in two variants and each variant
// builds some.
func (v variant) chosen(programs []*program) []*program {
	var all []*program
	for i, p := range programs {
		var fit []string
		for _, w := range variants {
			if w.suits(p) {
				fit = append(fit, w.name)
			}
		}
		if v.suits(p) && (full() || fit[i%len(fit)] == v.name || fit[(i+len(fit)/2)%len(fit)] == v.name) {
			all = append(all, p)
		}
	}
	return all
}
