package binary

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// The loaders and C libraries of simulated roots.
var (
	fakeGlibcLoader = elftest.Spec{SOName: "ld-linux-x86-64.so.2", VersionDefs: []string{"GLIBC_2.2.5", "GLIBC_PRIVATE"},
		Strings: []string{"/lib64/", "/usr/lib64/", "", "x86-64-v4:x86-64-v3:x86-64-v2"}}
	fakeGlibc = elftest.Spec{SOName: "libc.so.6", Needed: []string{"ld-linux-x86-64.so.2"},
		VersionDefs: []string{"GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.34", "GLIBC_PRIVATE"},
		Defined:     []elftest.Symbol{{Name: "__libc_start_main", Version: "GLIBC_2.34"}, {Name: "puts", Version: "GLIBC_2.2.5"}}}
	fakeMusl = elftest.Spec{Type: "ET_DYN", Defined: []elftest.Symbol{{Name: "__libc_start_main"}, {Name: "stdin"}, {Name: "puts"}, {Name: "open"}},
		Strings: []string{"musl libc (x86_64)", "/etc/ld-musl-x86_64.path"}}
	fakeProgram = elftest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"},
		Undefined: []elftest.Symbol{{Name: "__libc_start_main", Version: "GLIBC_2.34", Library: "libc.so.6"}}}
	fakeMuslProgram = elftest.Spec{Interpreter: "/lib/ld-musl-x86_64.so.1", Needed: []string{"libc.so"},
		Undefined: []elftest.Symbol{{Name: "__libc_start_main"}}}
)

// image is a file system of ELF files, texts and links ("-> target").
func image(t testing.TB, files map[string]any) fs.FS {
	t.Helper()
	m := fstest.MapFS{}
	for name, content := range files {
		switch c := content.(type) {
		case elftest.Spec:
			m[name] = &fstest.MapFile{Data: build(t, c), Mode: 0o755}
		case string:
			if target, ok := strings.CutPrefix(c, "-> "); ok {
				m[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			} else {
				m[name] = &fstest.MapFile{Data: []byte(c), Mode: 0o644}
			}
		}
	}
	return m
}

// TestResolve is for every machine: what the reality test proves for one of them is simulated in full here.
func TestResolve(t *testing.T) {
	needs := func(s elftest.Spec, libs ...string) elftest.Spec {
		s.Needed = append(slices.Clone(s.Needed), libs...)
		return s
	}
	glibc := func(more map[string]any) map[string]any {
		files := map[string]any{"lib64/ld-linux-x86-64.so.2": fakeGlibcLoader, "lib64/libc.so.6": fakeGlibc}
		for k, v := range more {
			files[k] = v
		}
		return files
	}
	newer := fakeProgram
	newer.Undefined = []elftest.Symbol{{Name: "puts", Version: "GLIBC_2.38", Library: "libc.so.6"}, {Name: "puts", Version: "GLIBC_2.100", Library: "libc.so.6"}}
	strange := fakeProgram
	strange.Undefined = []elftest.Symbol{{Name: "open64"}, {Name: "gone64"}, {Name: "puts", Version: "GLIBC_2.99", Library: "libc.so.6"}}
	lfs := fakeMusl
	lfs.Strings = append(slices.Clone(lfs.Strings), "", "aio_cancel", "aio_error", "aio_fsync", "open", "")
	tests := map[string]struct {
		program elftest.Spec
		files   map[string]any
		want    Linking
	}{
		"glibc": {fakeProgram, glibc(nil), Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: Glibc,
			Libraries: []Library{
				{Name: "libc.so.6", Path: "/lib64/libc.so.6", By: "/app", Via: "default path", Searched: []string{"/lib64/libc.so.6"}},
				{Name: "ld-linux-x86-64.so.2", Path: "/lib64/ld-linux-x86-64.so.2", By: "libc.so.6", Via: "loader itself"},
			}}},
		"versions": {newer, glibc(nil), Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: Glibc,
			Libraries: []Library{
				{Name: "libc.so.6", Path: "/lib64/libc.so.6", By: "/app", Via: "default path", Searched: []string{"/lib64/libc.so.6"}},
				{Name: "ld-linux-x86-64.so.2", Path: "/lib64/ld-linux-x86-64.so.2", By: "libc.so.6", Via: "loader itself"},
			},
			MissingVersions: []MissingVersion{
				{Library: "libc.so.6", Path: "/lib64/libc.so.6", Version: "GLIBC_2.38", By: "/app", Newest: "GLIBC_2.34"},
				{Library: "libc.so.6", Path: "/lib64/libc.so.6", Version: "GLIBC_2.100", By: "/app", Newest: "GLIBC_2.34"},
			},
			Failure: "/app: /lib64/libc.so.6: version `GLIBC_2.38' not found (required by /app)", ExitCode: 1}},
		"two libraries missing": {needs(fakeProgram, "libx.so.1", "liby.so.1"), glibc(map[string]any{"usr/lib64/liby.so.1": "-> gone"}), Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: Glibc,
			Libraries: []Library{
				{Name: "libc.so.6", Path: "/lib64/libc.so.6", By: "/app", Via: "default path", Searched: []string{"/lib64/libc.so.6"}},
				{Name: "libx.so.1", By: "/app", Searched: []string{"/lib64/libx.so.1", "/usr/lib64/libx.so.1"}},
				{Name: "liby.so.1", By: "/app", Searched: []string{"/lib64/liby.so.1", "/usr/lib64/liby.so.1"}},
				{Name: "ld-linux-x86-64.so.2", Path: "/lib64/ld-linux-x86-64.so.2", By: "libc.so.6", Via: "loader itself"},
			},
			Failure: "/app: error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory", ExitCode: 127}},
		"no interpreter": {fakeProgram, map[string]any{"lib/ld-musl-x86_64.so.1": fakeMusl}, Linking{
			Wants: Glibc, Failure: "exec /app: no such file or directory"}},
		"unknown interpreter": {fakeProgram, map[string]any{"lib64/ld-linux-x86-64.so.2": elftest.Spec{Type: "ET_DYN"}}, Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: OtherLibc,
			Unread: []string{"/lib64/ld-linux-x86-64.so.2: this loader is neither glibc's nor musl's"}}},
		"musl": {fakeMuslProgram, map[string]any{"lib/ld-musl-x86_64.so.1": fakeMusl}, Linking{
			InterpreterPath: "/lib/ld-musl-x86_64.so.1", Wants: Musl, Has: Musl,
			Libraries: []Library{{Name: "libc.so", Path: "/lib/ld-musl-x86_64.so.1", By: "/app", Via: "loader itself"}}}},
		"musl under glibc's name": {strange, map[string]any{"lib/ld-musl-x86_64.so.1": fakeMusl, "lib64": "-> /lib", "lib/ld-linux-x86-64.so.2": "-> ld-musl-x86_64.so.1"}, Linking{
			InterpreterPath: "/lib/ld-musl-x86_64.so.1", Wants: Glibc, Has: Musl,
			Libraries:      []Library{{Name: "libc.so.6", Path: "/lib64/ld-linux-x86-64.so.2", By: "/app", Via: "loader itself"}},
			MissingSymbols: []Symbol{{Name: "open64"}, {Name: "gone64"}},
			Failure:        "Error relocating /app: open64: symbol not found", ExitCode: 127}},
		"musl that answers large file names": {strange, map[string]any{"lib64/ld-linux-x86-64.so.2": lfs}, Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: Musl,
			Libraries:      []Library{{Name: "libc.so.6", Path: "/lib64/ld-linux-x86-64.so.2", By: "/app", Via: "loader itself"}},
			MissingSymbols: []Symbol{{Name: "gone64"}},
			Failure:        "Error relocating /app: gone64: symbol not found", ExitCode: 127}},
		"damaged library": {needs(fakeProgram, "libx.so.1"), glibc(map[string]any{"lib64/libx.so.1": string(build(t, full)[:400])}), Linking{
			InterpreterPath: "/lib64/ld-linux-x86-64.so.2", Wants: Glibc, Has: Glibc,
			Libraries: []Library{
				{Name: "libc.so.6", Path: "/lib64/libc.so.6", By: "/app", Via: "default path", Searched: []string{"/lib64/libc.so.6"}},
				{Name: "libx.so.1", Path: "/lib64/libx.so.1", By: "/app", Via: "default path", Searched: []string{"/lib64/libx.so.1"}},
				{Name: "ld-linux-x86-64.so.2", Path: "/lib64/ld-linux-x86-64.so.2", By: "libc.so.6", Via: "loader itself"},
			},
			Unread: []string{"/lib64/libx.so.1: reading the dynamic table: 368 bytes at offset 0x350: unexpected EOF"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.Interpreter = tt.program.Interpreter
			got := mustRead(t, build(t, tt.program)).Resolve(image(t, tt.files), "/app", nil, false)
			if g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", tt.want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
}

// TestResolveStatic needs no root at all.
func TestResolveStatic(t *testing.T) {
	got := mustRead(t, build(t, elftest.Spec{})).Resolve(fstest.MapFS{}, "/app", nil, false)
	if s := fmt.Sprintf("%+v", *got); s != fmt.Sprintf("%+v", Linking{}) {
		t.Errorf("got %s", s)
	}
}

// plainFS hides ReadLink and ReadAt, as a simple file system would.
type plainFS struct{ fs fs.FS }

type plainFile struct{ fs.File }

func (p plainFS) Open(name string) (fs.File, error) {
	f, err := p.fs.Open(name)
	return plainFile{f}, err
}

// TestResolvePlainFS gives the same answer over a file system without ReadLink whose files cannot be read at an offset.
func TestResolvePlainFS(t *testing.T) {
	root := image(t, map[string]any{"lib64/ld-linux-x86-64.so.2": fakeGlibcLoader, "lib64/libc.so.6": fakeGlibc})
	e := mustRead(t, build(t, fakeProgram))
	if got, want := e.Resolve(plainFS{root}, "/app", nil, false), e.Resolve(root, "/app", nil, false); fmt.Sprint(*got) != fmt.Sprint(*want) {
		t.Errorf("got %+v, want %+v", *got, *want)
	}
}

// TestResolveLimits asks for more than the simulation may do.
func TestResolveLimits(t *testing.T) {
	files := map[string]any{"lib64/ld-linux-x86-64.so.2": fakeGlibcLoader, "lib/ld-musl-x86_64.so.1": fakeMusl}
	greedy := elftest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2"}
	for i := range maxNeeded {
		greedy.Needed = append(greedy.Needed, fmt.Sprintf("lib%d.so", i))
	}
	for i := range maxPathElements {
		greedy.RPath = append(greedy.RPath, fmt.Sprintf("/%d", i))
	}
	for _, interpreter := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"} {
		greedy.Interpreter = interpreter
		got := mustRead(t, build(t, greedy)).Resolve(image(t, files), "/app", nil, false)
		if !slices.Equal(got.Unread, []string{"/app: " + errLimit.Error()}) {
			t.Errorf("%s: unread %q", interpreter, got.Unread)
		}
	}
}

// TestTree follows links as a kernel does after chroot.
func TestTree(t *testing.T) {
	tree := newTree(image(t, map[string]any{
		"a/b/file": "x", "up": "-> ../../a", "abs": "-> /a/b", "rel": "-> a/./b/../b", "chain": "-> abs/../../rel/file",
		"loop": "-> pool", "pool": "-> loop", "dangling": "-> nowhere",
	}))
	for name, want := range map[string]string{
		"/a/b/file": "a/b/file", "a/b/file": "a/b/file", "/../..": ".", "/up/b/file": "a/b/file", "/abs/file": "a/b/file",
		"/rel/../b/file": "a/b/file", "/chain": "a/b/file", "/loop": errLoop.Error(), "/dangling": "lstat nowhere: file does not exist",
		"/a/b/file/x": errNotDirectory.Error(), "/a/b/file/..": errNotDirectory.Error(), "/a\x00": fs.ErrNotExist.Error(),
		strings.Repeat("/a", maxPath): fs.ErrNotExist.Error(),
	} {
		got, err := tree.real(name)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func BenchmarkReadELF(b *testing.B) {
	for _, p := range []string{"/bin/bash", "/lib/x86_64-linux-gnu/libc.so.6"} {
		b.Run(p, func(b *testing.B) {
			f, err := os.Open(p)
			if err != nil {
				b.Skip(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadELF(f, info.Size()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	e := readProgram("/bin/bash")
	if e == nil {
		b.Skip("no /bin/bash here")
	}
	b.ReportAllocs()
	for b.Loop() {
		if l := e.Resolve(os.DirFS("/"), "/bin/bash", nil, false); l.Failure != "" {
			b.Fatal(l.Failure)
		}
	}
}
