package binary

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// cell is one run: a program in a root with an environment.
type cell struct {
	name    string
	program string    // a recipe
	root    []furnish // beside the program
	at      string    // where the program is; /app if empty
	env     []string
	setuid  bool // the program is setuid root and started by another user
}

// TestLinkingReality runs programs in real root directories and compares what the kernel and the loader did with what
// Resolve foretells: the exit code, the words, and for a program that started the files it was made of.
func TestLinkingReality(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the programs and roots are those of linux/amd64")
	}
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	if testing.Short() {
		t.Skip("builds some sixty programs")
	}
	shop := newWorkshop(t)
	for _, c := range slices.Concat(libcCells, glibcCells, glibcFileCells, cacheCells, muslCells) {
		t.Run(c.name, func(t *testing.T) {
			if c.at == "" {
				c.at = "/app"
			}
			compare(t, shop, c)
		})
	}
}

// compare furnishes the root of a cell, runs the program and the simulation.
func compare(t *testing.T, shop *workshop, c cell) {
	r := &rootDir{t: t, shop: shop, dir: t.TempDir()}
	uid := uint32(0)
	for _, step := range append([]furnish{put(c.at, c.program)}, c.root...) {
		step(r)
	}
	if c.setuid {
		uid = 65532
		mode(c.at, os.ModeSetuid|0o755)(r)
	}
	if err := os.Chmod(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	seen := r.run(c.at, c.env, uid)

	f, err := os.Open(filepath.Join(r.dir, c.at))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := ReadELF(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	told := e.Resolve(os.DirFS(r.dir), c.at, c.env, c.setuid)
	if told.ExitCode != seen.code || told.Failure != seen.first || len(told.Unread) > 0 {
		t.Errorf("foretold %d %q, unread %q\nseen     %d %q\n%+v", told.ExitCode, told.Failure, told.Unread, seen.code, seen.first, told)
	}
	if seen.code == 0 && seen.first == "" {
		if want := files(r.dir, c.at, told); !slices.Equal(want, seen.loaded) {
			t.Errorf("foretold files %q\nseen           %q", want, seen.loaded)
		}
	}
}

// files are those that a started program is made of: itself, the loader, the libraries; symlinks followed.
func files(dir, at string, l *Linking) []string {
	out := []string{at}
	loader := l.InterpreterPath
	tree := newTree(os.DirFS(dir))
	for _, lib := range l.Libraries {
		real, err := tree.real(lib.Path)
		if err != nil || lib.Path == "" {
			continue
		}
		if lib.Via == viaLoader {
			loader = "/" + real // gcompat's is not the interpreter
		} else if !slices.Contains(out, "/"+real) {
			out = append(out, "/"+real)
		}
	}
	if loader != "" {
		out = append(out, loader)
	}
	slices.Sort(out)
	return out
}

// libcCells are the ways of building a program against the C libraries an image may have.
var libcCells = []cell{
	{name: "go in scratch", program: "go", root: scratchRoot},
	{name: "go pie in scratch", program: "gopie", root: scratchRoot},
	{name: "go pie with a loader alone", program: "gopie", root: loaderRoot},
	{name: "go pie on musl", program: "gopie", root: muslRoot},
	{name: "go pie on musl with the symlink", program: "gopie", root: compatRoot},
	{name: "cgo in scratch", program: "gocgo", root: scratchRoot},
	{name: "cgo on glibc", program: "gocgo", root: glibcRoot},
	{name: "cgo with a loader alone", program: "gocgo", root: loaderRoot},
	{name: "cgo on musl", program: "gocgo", root: muslRoot},
	{name: "cgo on musl with the symlink", program: "gocgo", root: compatRoot},
	{name: "cgo static-pie in scratch", program: "gocgostatic", root: scratchRoot},
	{name: "cgo for musl on musl", program: "gomusl", root: muslRoot},
	{name: "cgo for musl on glibc", program: "gomusl", root: glibcRoot},
	{name: "static in scratch", program: "static", root: scratchRoot},
	{name: "static-pie in scratch", program: "staticpie", root: scratchRoot},
	{name: "c on glibc", program: "plain", root: glibcRoot},
	{name: "c, not pie, on glibc", program: "nopie", root: glibcRoot},
	{name: "c on musl with the symlink", program: "plain", root: compatRoot},
	{name: "a symbol of glibc on musl", program: "gnu", root: compatRoot},
	{name: "libm on musl", program: "libm", root: compatRoot},
	{name: "libresolv on musl", program: "resolv", root: compatRoot},
	{name: "libcrypt on musl", program: "crypt", root: compatRoot},
	{name: "interpreter is a text", program: "plain", root: join(glibcRoot, []furnish{
		remove("/lib64/ld-linux-x86-64.so.2"), text("/lib64/ld-linux-x86-64.so.2", string(make([]byte, 4096))), mode("/lib64/ld-linux-x86-64.so.2", 0o755)})},
	{name: "interpreter is of another machine", program: "plain", root: join(glibcRoot, []furnish{
		fake("/lib64/ld-linux-x86-64.so.2", elftest.Spec{Machine: "EM_AARCH64", SOName: "ld.so"})})},
	{name: "interpreter without x", program: "plain", root: join(glibcRoot, []furnish{mode("/lib64/ld-linux-x86-64.so.2", 0o644)})},
	{name: "interpreter is a directory", program: "plain", root: []furnish{directory("/lib64/ld-linux-x86-64.so.2")}},
	{name: "interpreter's link leads nowhere", program: "plain", root: []furnish{symlink("/lib64/ld-linux-x86-64.so.2", "../lib/gone")}},
	{name: "interpreter's link is a circle", program: "plain", root: []furnish{symlink("/lib64", "lib64")}},
	{name: "usrmerge with absolute links", program: "plain", root: []furnish{
		host("/usr/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"), symlink("/lib64", "/usr/lib64"),
		host("/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"), symlink("/lib", "usr/lib")}},
}
