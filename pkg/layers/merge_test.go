package layers_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

func TestMerge(t *testing.T) {
	base := []layers.File{{Path: "etc/"}, file("etc/a", "1"), file("etc/b", "1"), file("etc/d/x", "1"), file("keep", "1")}
	for _, c := range []struct {
		name  string
		stack [][]layers.File
		want  string // without the root
	}{
		{"a whiteout hides a file below", [][]layers.File{base, {{Path: "etc/.wh.a"}}},
			"/etc drwxr-xr-x 0|/etc/b -rw-r--r-- 0 \"1\"|/etc/d drwxr-xr-x -1|/etc/d/x -rw-r--r-- 0 \"1\"|/keep -rw-r--r-- 0 \"1\""},
		{"a whiteout hides a directory below", [][]layers.File{base, {{Path: ".wh.etc"}}}, "/keep -rw-r--r-- 0 \"1\""},
		{"a whiteout spares its own layer, whatever the order",
			[][]layers.File{base, {file("etc/a", "2"), {Path: "etc/.wh.a"}, {Path: "etc/.wh.d"}, file("etc/d/y", "2")}},
			"/etc drwxr-xr-x 0|/etc/a -rw-r--r-- 1 \"2\"|/etc/b -rw-r--r-- 0 \"1\"|/etc/d drwxr-xr-x -1|/etc/d/y -rw-r--r-- 1 \"2\"|/keep -rw-r--r-- 0 \"1\""},
		{"a whiteout in the lowest layer hides nothing", [][]layers.File{{{Path: ".wh.a"}, file("a", "1")}}, "/a -rw-r--r-- 0 \"1\""},
		{"an opaque directory hides what is below, whatever the order",
			[][]layers.File{base, {file("etc/new", "2"), {Path: "etc/.wh..wh..opq"}, file("etc/later", "2")}},
			"/etc drwxr-xr-x 0|/etc/later -rw-r--r-- 1 \"2\"|/etc/new -rw-r--r-- 1 \"2\"|/keep -rw-r--r-- 0 \"1\""},
		{"an opaque root hides everything below", [][]layers.File{base, {{Path: ".wh..wh..opq"}, file("x", "2")}}, "/x -rw-r--r-- 1 \"2\""},
		{"metadata of aufs is nothing", [][]layers.File{{file(".wh..wh.aufs", ""), file(".wh..wh.plnk", ""), file("a", "1")}}, "/a -rw-r--r-- 0 \"1\""},
		{"the last of two entries wins", [][]layers.File{{file("a", "1"), file("a", "2")}}, "/a -rw-r--r-- 0 \"2\""},
		{"a file replaces a directory", [][]layers.File{base, {file("etc", "2")}}, "/etc -rw-r--r-- 1 \"2\"|/keep -rw-r--r-- 0 \"1\""},
		{"a directory replaces a file", [][]layers.File{{file("a", "1")}, {{Path: "a/", Mode: fs.ModeDir | 0o700}, file("a/b", "2")}},
			"/a drwx------ 1|/a/b -rw-r--r-- 1 \"2\""},
		{"and back", [][]layers.File{{file("a", "1")}, {file("a/b", "2")}, {file("a", "3")}}, "/a -rw-r--r-- 2 \"3\""},
		{"a directory stated again keeps its contents", [][]layers.File{base, {{Path: "etc/d/", Mode: fs.ModeDir | 0o700}, {Path: ".wh.keep"}, {Path: "etc/.wh.a"}, {Path: "etc/.wh.b"}}},
			"/etc drwxr-xr-x 0|/etc/d drwx------ 1|/etc/d/x -rw-r--r-- 0 \"1\""},
		{"a hard link shares a file of its layer", [][]layers.File{{{Path: "a", Mode: 0o755, Data: []byte("1")}, {Path: "b", Hardlink: "/a"}}},
			"/a -rwxr-xr-x 0 \"1\"|/b -rwxr-xr-x 0 \"1\""},
		{"a hard link shares a file of a lower layer and outlives it",
			[][]layers.File{{file("a", "1")}, {{Path: "b", Hardlink: "./a"}}, {{Path: ".wh.a"}}}, "/b -rw-r--r-- 1 \"1\""},
		{"a hard link to itself is the file", [][]layers.File{{file("a", "1"), {Path: "a", Hardlink: "a"}}}, "/a -rw-r--r-- 0 \"1\""},
		{"names are cleaned and stay inside", [][]layers.File{{file("./a", "1"), file("/b", "1"), file("../../c", "1"), file("d/../e", "1"), {Path: "./", Mode: fs.ModeDir | 0o700}}},
			"/a -rw-r--r-- 0 \"1\"|/b -rw-r--r-- 0 \"1\"|/c -rw-r--r-- 0 \"1\"|/e -rw-r--r-- 0 \"1\""},
		{"a parent that is a link of the same layer is followed", [][]layers.File{{link("lib", "usr/lib"), file("lib/x", "1")}},
			"/lib Lrwxrwxrwx 0 -> usr/lib|/usr drwxr-xr-x -1|/usr/lib drwxr-xr-x -1|/usr/lib/x -rw-r--r-- 0 \"1\""},
		{"a parent that is a link of a lower layer is replaced", [][]layers.File{{link("lib", "usr/lib"), file("usr/lib/y", "1")}, {file("lib/x", "2")}},
			"/lib drwxr-xr-x -1|/lib/x -rw-r--r-- 1 \"2\"|/usr drwxr-xr-x -1|/usr/lib drwxr-xr-x -1|/usr/lib/y -rw-r--r-- 0 \"1\""},
		{"a directory over a link of a lower layer replaces it", [][]layers.File{{link("lib", "usr/lib")}, {{Path: "lib/"}}}, "/lib drwxr-xr-x 1"},
		{"an opaque directory that is not there is made", [][]layers.File{{{Path: "x/y/.wh..wh..opq"}}}, "/x drwxr-xr-x -1|/x/y drwxr-xr-x -1"},
		{"a whiteout makes the directory it stands in", [][]layers.File{{link("lib", "usr/lib")}, {{Path: "lib/.wh.x"}, {Path: "new/.wh.x"}}},
			"/lib drwxr-xr-x -1|/new drwxr-xr-x -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.TrimPrefix(listing(t, tree(t, c.stack...)), "/ drwxr-xr-x -1\n")
			if want := strings.ReplaceAll(c.want, "|", "\n") + "\n"; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		file layers.File
		want string
	}{
		{"no path", layers.File{}, "layer 0: file without a path"},
		{"whiteout of nothing", layers.File{Path: "a/.wh."}, `layer 0: whiteout "a/.wh." names nothing`},
		{"whiteout of the directory", layers.File{Path: "a/.wh.."}, `layer 0: whiteout "a/.wh.." names nothing`},
		{"whiteout of the parent", layers.File{Path: "a/.wh..."}, `layer 0: whiteout "a/.wh..." names nothing`},
		{"NUL", layers.File{Path: "a\x00b"}, `layer 0: path "a\x00b" holds a NUL byte`},
		{"long path", layers.File{Path: strings.Repeat("a/", 2049)}, `layer 0: path "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"...: more than the limit of 4096 bytes`},
		{"hard link to nothing", layers.File{Path: "a", Hardlink: "b"}, "layer 0: hard link /a to /b: no such file in this or a lower layer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := layers.New([]layers.File{c.file}); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestDeletions(t *testing.T) {
	f := tree(t,
		[]layers.File{file("etc/ssl/bundle", "12345"), file("a", "1"), file("tmp/x", "1")},
		[]layers.File{{Path: "etc/.wh.ssl"}, file("a", "22")},
		[]layers.File{{Path: ".wh.a"}, {Path: "tmp/.wh..wh..opq"}},
		[]layers.File{file("a", "again")})
	var got []string
	for _, d := range f.Deletions() {
		got = append(got, fmt.Sprintf("%s %d<-%d %d", d.Path, d.Layer, d.Was, d.Size))
	}
	if want := "/a 2<-1 2, /etc/ssl 1<--1 0, /etc/ssl/bundle 1<-0 5, /tmp/x 2<-0 1"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if over := f.Overwritten(); len(over) != 1 || over[0].Path != "/a" || over[0].Layer != 1 || over[0].Size != 1 {
		t.Errorf("overwritten: %v", over)
	}
	if d, ok := f.Deleted("/etc/ssl/bundle"); !ok || d.Layer != 1 || d.Was != 0 {
		t.Errorf("Deleted(bundle) = %v, %v", d, ok)
	}
	for _, path := range []string{"/a", "/never", "/etc"} {
		if d, ok := f.Deleted(path); ok {
			t.Errorf("Deleted(%s) = %v", path, d)
		}
	}
	if f.LayerOf("/a") != 3 || f.LayerOf("/etc") != -1 {
		t.Errorf("LayerOf: %d, %d", f.LayerOf("/a"), f.LayerOf("/etc"))
	}
}
