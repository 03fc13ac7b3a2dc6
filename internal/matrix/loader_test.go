package matrix

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

const (
	libraryC = "#include <stdio.h>\nint need(void) { return puts(WORDS) < 0; }\n"
	programC = "int need(void);\nint main(void) { return need(); }\n"
)

// layered is an image of layers, lowest first, in which the program /app wants libneed.so.1.
type layered struct {
	name   string
	layers func(b *bench) [][]layers.File
	says   string // what the program prints, or the loader
}

var layeredCells = []layered{
	{"the library of the layer below", func(b *bench) [][]layers.File {
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old")}}
	}, "old\n"},
	{"the library is deleted above", func(b *bench) [][]layers.File {
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old")}, {{Path: "/usr/lib/.wh.libneed.so.1"}}}
	}, gone},
	{"the library is replaced above", func(b *bench) [][]layers.File {
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old")}, {b.need("/usr/lib/libneed.so.1", "new")}}
	}, "new\n"},
	{"its directory is emptied above", func(b *bench) [][]layers.File {
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old")}, {{Path: "/usr/lib/.wh..wh..opq"}}}
	}, gone},
	{"the cache below leads to a deleted library", func(b *bench) [][]layers.File {
		cached := []layers.File{b.need("/opt/lib/libneed.so.1", "old"), {Path: "/etc/ld.so.conf", Data: []byte("/opt/lib\n")}}
		return [][]layers.File{b.base, cached, b.ldconfig(append(b.base, cached...)), {{Path: "/opt/lib/.wh.libneed.so.1"}}}
	}, gone},
	{"the cache below leads to a deleted library, and another is there", func(b *bench) [][]layers.File {
		cached := []layers.File{b.need("/opt/lib/libneed.so.1", "old"), {Path: "/etc/ld.so.conf", Data: []byte("/opt/lib\n")}}
		return [][]layers.File{b.base, cached, b.ldconfig(append(b.base, cached...)),
			{{Path: "/opt/.wh.lib"}, b.need("/usr/lib/libneed.so.1", "new")}}
	}, "new\n"},
	{"the cache itself is deleted", func(b *bench) [][]layers.File {
		cached := []layers.File{b.need("/opt/lib/libneed.so.1", "old"), {Path: "/etc/ld.so.conf", Data: []byte("/opt/lib\n")}}
		return [][]layers.File{b.base, cached, b.ldconfig(append(b.base, cached...)), {{Path: "/etc/.wh.ld.so.cache"}}}
	}, gone},
	{"the loader is deleted", func(b *bench) [][]layers.File {
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old")}, {{Path: "/lib64/.wh.ld-linux-x86-64.so.2"}}}
	}, ""},
	{"the loader is a link to where a layer above puts it", func(b *bench) [][]layers.File {
		loader := b.host(glibcLoader)
		loader.Path = "/opt/loader"
		return [][]layers.File{b.base, {b.need("/usr/lib/libneed.so.1", "old"), {Path: glibcLoader, Link: "../opt/loader"}}, {loader}}
	}, "old\n"},
}

const gone = "/app: error while loading shared libraries: libneed.so.1: cannot open shared object file: No such file or directory\n"

// bench makes the files.
type bench struct {
	t    *testing.T
	dir  string
	base []layers.File // the program, the loader and libc
}

// TestLayeredLoader merges layers, asks Resolve about the result, and runs the program in the same files.
func TestLayeredLoader(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("short: runs a C compiler")
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64" || os.Getuid() != 0:
		t.Skip("needs linux/amd64 and root: the programs are run in a chroot")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	b := &bench{t: t, dir: t.TempDir()}
	b.need("", "")
	b.compile("app", programC, filepath.Join(b.dir, "libneed.so.1"))
	b.base = []layers.File{{Path: "/app", Mode: 0o755, Data: b.read("app")}, b.host(glibcLoader), b.host("/lib/x86_64-linux-gnu/libc.so.6")}
	for _, c := range layeredCells {
		t.Run(c.name, func(t *testing.T) { c.compare(t, c.layers(b)) })
	}
}

func (c layered) compare(t *testing.T, files [][]layers.File) {
	merged, err := layers.New(files...)
	if err != nil {
		t.Fatal(err)
	}
	app, err := fs.ReadFile(merged, "app")
	if err != nil {
		t.Fatal(err)
	}
	e, err := binary.ReadELF(bytes.NewReader(app), int64(len(app)))
	if err != nil {
		t.Fatal(err)
	}
	told := e.Resolve(merged, "/app", nil, false)
	root := t.TempDir()
	if err := copyOut(merged, root); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("/app")
	run.Env, run.SysProcAttr = []string{}, &syscall.SysProcAttr{Chroot: root}
	out, err := run.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		if told.Failure == "" || c.says != "" {
			t.Errorf("was refused: %v; foretold %+v", err, told)
		}
		return
	}
	if string(out) != c.says {
		t.Fatalf("printed %q, want %q", out, c.says)
	}
	failure := ""
	if run.ProcessState.ExitCode() != 0 {
		failure = strings.TrimSuffix(string(out), "\n")
	}
	if told.ExitCode != run.ProcessState.ExitCode() || told.Failure != failure {
		t.Errorf("foretold %d %q\nseen     %d %q", told.ExitCode, told.Failure, run.ProcessState.ExitCode(), failure)
	}
}

// copyOut writes a merged tree to a directory.
func copyOut(merged *layers.FS, root string) error {
	return fs.WalkDir(merged, ".", func(name string, d fs.DirEntry, err error) error {
		place := filepath.Join(root, name)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(place, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := merged.ReadLink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, place)
		}
		data, err := fs.ReadFile(merged, name)
		if err != nil {
			return err
		}
		syscall.ForkLock.RLock() // a child that has the file open for writing would make it "text file busy"
		defer syscall.ForkLock.RUnlock()
		return os.WriteFile(place, data, 0o755)
	})
}

// need is libneed.so.1, saying words, at a path.
func (b *bench) need(path, says string) layers.File {
	b.t.Helper()
	b.compile("libneed.so.1", libraryC, "-shared", "-fPIC", "-Wl,-soname,libneed.so.1", `-DWORDS="`+says+`"`)
	return layers.File{Path: path, Mode: 0o755, Data: b.read("libneed.so.1")}
}

func (b *bench) compile(out, source string, args ...string) {
	b.t.Helper()
	c := exec.Command("gcc", append([]string{"-x", "c", "-o", filepath.Join(b.dir, out), "-", "-x", "none"}, args...)...)
	c.Stdin = strings.NewReader(source)
	if text, err := c.CombinedOutput(); err != nil {
		b.t.Fatalf("gcc: %v: %s", err, text)
	}
}

func (b *bench) read(name string) []byte {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// host is a file of this machine.
func (b *bench) host(path string) layers.File {
	b.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.t.Skipf("the host lacks a file: %v", err)
	}
	return layers.File{Path: path, Mode: 0o755, Data: data}
}

// ldconfig is the layer that ldconfig would make in a tree.
func (b *bench) ldconfig(files []layers.File) []layers.File {
	b.t.Helper()
	merged, err := layers.New(files)
	if err != nil {
		b.t.Fatal(err)
	}
	root := b.t.TempDir()
	if err := copyOut(merged, root); err != nil {
		b.t.Fatal(err)
	}
	if text, err := exec.Command("ldconfig", "-r", root).CombinedOutput(); err != nil {
		b.t.Skipf("ldconfig: %v: %s", err, text)
	}
	cache, err := os.ReadFile(filepath.Join(root, "etc/ld.so.cache"))
	if err != nil {
		b.t.Fatal(err)
	}
	return []layers.File{{Path: "/etc/ld.so.cache", Data: cache}}
}
