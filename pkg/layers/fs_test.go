package layers_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// tree builds a tree or ends the test.
func tree(t testing.TB, stack ...[]layers.File) *layers.FS {
	t.Helper()
	f, err := layers.New(stack...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// file is a regular file with some contents.
func file(path, data string) layers.File { return layers.File{Path: path, Data: []byte(data)} }

// link is a symlink.
func link(path, to string) layers.File { return layers.File{Path: path, Link: to} }

// listing is a whole tree as text: "PATH MODE LAYER", a symlink's target, a file's contents.
func listing(t testing.TB, f *layers.FS) string {
	t.Helper()
	var b strings.Builder
	err := f.Walk(func(e *layers.Entry) error {
		fmt.Fprintf(&b, "%s %v %d", e.Path, e.Mode, e.Layer)
		switch {
		case e.Mode&fs.ModeSymlink != 0:
			fmt.Fprintf(&b, " -> %s", e.Link)
		case e.Mode.IsRegular():
			data, err := f.ReadFile(e.Path[1:])
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", data)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFSPassesTheStandardTest(t *testing.T) {
	f := tree(t,
		[]layers.File{file("usr/bin/app", "#!/bin/sh\n"), file("usr/lib/empty", ""), {Path: "tmp/", Mode: 0o777 | fs.ModeSticky},
			link("bin", "usr/bin"), link("loop", "loop"), link("dangling", "/nowhere"), {Path: "dev/null", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666},
			{Path: "run/pipe", Mode: fs.ModeNamedPipe | 0o600}, file("a/b/c/d/e", "deep")},
		[]layers.File{{Path: "usr/bin/same", Hardlink: "usr/bin/app"}, {Path: "a/b/.wh.c"}, file("opt/new", strings.Repeat("x", 100_000))})
	if err := fstest.TestFS(withoutSpecial{f}, "usr/bin/app", "usr/bin/same", "opt/new", "tmp", "usr/lib/empty"); err != nil {
		t.Fatal(err)
	}
}

// withoutSpecial hides what fstest cannot open: it opens every name it finds.
type withoutSpecial struct{ *layers.FS }

func (w withoutSpecial) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := w.FS.ReadDir(name)
	return slices.DeleteFunc(list, func(e fs.DirEntry) bool { return e.Name() == "loop" || e.Name() == "dangling" || special(e) }), err
}

func special(e fs.DirEntry) bool { return e.Type()&(fs.ModeDevice|fs.ModeNamedPipe) != 0 }

func (w withoutSpecial) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok {
		return hiding{d}, err
	}
	return f, err
}

type hiding struct{ fs.ReadDirFile }

func (h hiding) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := h.ReadDirFile.ReadDir(n)
	return slices.DeleteFunc(list, func(e fs.DirEntry) bool { return e.Name() == "loop" || e.Name() == "dangling" || special(e) }), err
}

func TestSymlinksStayInsideTheRoot(t *testing.T) {
	chain := []layers.File{file("end", "end")}
	for i := range 41 {
		to := fmt.Sprintf("c%d", i+1)
		if i == 40 {
			to = "end"
		}
		chain = append(chain, link(fmt.Sprintf("c%d", i), to))
	}
	f := tree(t, append(chain,
		file("etc/shadow", "inside"), link("a/b/up", "../../../../etc/shadow"), link("abs", "/etc/shadow"), link("self", "self"),
		link("x", "y"), link("y", "x"), link("dir", "etc/"), link("slash", "etc/shadow/"), link("dots", "etc/../etc/./shadow"), link("nothing", "/no/such")))
	for name, want := range map[string]error{
		"a/b/up": nil, "abs": nil, "dir/shadow": nil, "dots": nil, "c1": nil, // c1 needs 40 links
		"c0": syscall.ELOOP, "self": syscall.ELOOP, "x": syscall.ELOOP, "slash": syscall.ENOTDIR, "nothing": fs.ErrNotExist,
		"etc/shadow/x": syscall.ENOTDIR,
	} {
		if _, err := f.ReadFile(name); !errors.Is(err, want) {
			t.Errorf("ReadFile(%s): %v, want %v", name, err, want)
		}
	}
	if data, _ := f.ReadFile("a/b/up"); string(data) != "inside" {
		t.Errorf("a/b/up reads %q", data)
	}
	if e, err := f.Resolve("/a/b/up"); err != nil || e.Path != "/etc/shadow" {
		t.Errorf("Resolve(/a/b/up) = %v, %v", e, err)
	}
	if to, err := f.ReadLink("a/b/up"); err != nil || to != "../../../../etc/shadow" {
		t.Errorf("ReadLink = %q, %v", to, err)
	}
	if _, err := f.ReadLink("end"); err == nil {
		t.Error("ReadLink of a regular file succeeds")
	}
}

func TestOpenFileReadsAtAnyOffset(t *testing.T) {
	f := tree(t, []layers.File{file("app", "0123456789")})
	o, err := f.Open("app")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var b [4]byte
	if n, err := o.(io.ReaderAt).ReadAt(b[:], 3); n != 4 || err != nil || string(b[:]) != "3456" {
		t.Errorf("ReadAt = %d, %v, %q", n, err, b)
	}
	if _, err := o.(io.ReaderAt).ReadAt(b[:], 8); err != io.EOF {
		t.Errorf("ReadAt across the end: %v, want EOF", err)
	}
}

func TestSizeWithoutDataCannotBeRead(t *testing.T) {
	f := tree(t, []layers.File{{Path: "app", Size: 12}})
	if e, _ := f.Entry("/app"); e.Size != 12 {
		t.Errorf("size %d", e.Size)
	}
	if _, err := f.ReadFile("app"); err == nil {
		t.Error("reading a file without contents succeeds")
	}
	if _, err := f.Open("app"); err == nil {
		t.Error("opening a file without contents succeeds")
	}
}
