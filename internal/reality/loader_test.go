package reality

import (
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// passwd is the user database that the programs with cgo look into.
var passwd = text("/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\napp:x:1000:1000::/:/sbin/nologin\ntoor:x:0:0::/:/sbin/nologin\n")

const ldso = "/lib64/ld-linux-x86-64.so.2"

var loaderCells = []cell{
	{name: "static in scratch", rule: "loader-missing", runc: true, root: program("/app", "hello", static)},
	{name: "cgo in scratch", rule: "loader-missing", runc: true, root: program("/app", "user-lookup", cgo)},
	{name: "cgo on glibc", rule: "loader-missing", root: all(program("/app", "user-lookup", cgo), glibc, passwd)},
	{name: "cgo on musl", rule: "loader-missing", runc: true, root: all(program("/app", "user-lookup", cgo), musl)},
	{name: "cgo for musl on musl", rule: "loader-missing", root: all(program("/app", "user-lookup", cgomusl), musl, passwd)},
	{name: "cgo for musl on glibc", rule: "loader-missing", runc: true, root: all(program("/app", "user-lookup", cgomusl), glibc)},
	{name: "pie in scratch", rule: "loader-missing", runc: true, root: program("/app", "hello", pie)},
	{name: "pie with a loader alone", rule: "loader-missing", root: all(program("/app", "hello", pie), glibcLoader)},
	{name: "c in scratch", rule: "loader-missing", runc: true, root: inC("/app", "c")},
	{name: "the loader's link leads nowhere", rule: "loader-missing", runc: true,
		root: all(inC("/app", "c"), link(ldso, "../lib/x86_64-linux-gnu/ld-gone.so"))},
	{name: "the loader's link is a circle", rule: "loader-missing", runc: true, root: all(inC("/app", "c"), link("/lib64", "lib64"))},
	{name: "the loader behind a link", rule: "loader-missing",
		root: all(inC("/app", "c"), host("/usr/lib64/ld-linux-x86-64.so.2", ldso), link("/lib64", "usr/lib64"), libraries("/bin/true"))},
	{name: "the loader has no x", rule: "loader-missing", runc: true, root: all(inC("/app", "c"), glibc, as(0o644, 0, glibcLoader))},
	{name: "the loader is for root alone", rule: "loader-missing", runc: true, config: layers.Config{User: "65532"},
		root: all(inC("/app", "c"), glibc, as(0o700, 0, glibcLoader))},
	{name: "the loader is of another machine", rule: "loader-missing", runc: true,
		root: all(inC("/app", "c"), hollow(ldso, elftest.Spec{Machine: "EM_AARCH64", SOName: "ld.so"}))},
	{name: "started by a shell without a loader", rule: "loader-missing",
		config: layers.Config{Cmd: []string{"/bin/sh", "-c", "/app"}},
		root:   all(program("/app", "hello", pie), shell("busybox", "/bin/sh"))},
	{name: "started by exec in a script without a loader", rule: "loader-missing", config: layers.Config{Cmd: []string{"/run.sh"}},
		root: all(program("/app", "hello", pie), shell("busybox", "/bin/sh"), script("/run.sh", "#!/bin/sh\nexec /app\n"))},
}

// hollow is an ELF file without code.
func hollow(path string, s elftest.Spec) part {
	return func(t *testing.T, _ *world) []layers.File {
		t.Helper()
		data, err := elftest.Build(s)
		if err != nil {
			t.Fatal(err)
		}
		return []layers.File{{Path: path, Mode: 0o755, Data: data}}
	}
}
