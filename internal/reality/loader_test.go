package reality

import (

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/pkg/layers"

	"testing"
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
		root: all(inC("/app", "c"), foreign(ldso, elftest.Spec{Machine: "EM_AARCH64", SOName: "ld.so"}))},
	{name: "started by a shell without a loader", rule: "loader-missing", config: layers.Config{Cmd: []string{"/bin/sh", "-c", "/app"}},
		root: all(program("/app", "hello", pie), shell("busybox", "/bin/sh"))},
	{name: "started by exec in a script without a loader", rule: "loader-missing", config: layers.Config{Cmd: []string{"/run.sh"}},
		root: all(program("/app", "hello", pie), shell("busybox", "/bin/sh"), script("/run.sh", "#!/bin/sh\nexec /app\n"))},
}

// foreign is an ELF file without code.
func foreign(path string, s elftest.Spec) part {
	return func(t *testing.T, _ *world) []layers.File {
		t.Helper()
		return []layers.File{{Path: path, Mode: 0o755, Data: elftest.Build(t, s)}}
	}
}

var libraryCells = []cell{
	{name: "libc is missing", rule: "library-missing", root: all(inC("/app", "c"), glibcLoader)},
	{name: "libc of cgo is missing", rule: "library-missing", root: all(program("/app", "user-lookup", cgo), glibcLoader)},
	{name: "libc is there", rule: "library-missing", root: all(program("/app", "user-lookup", cgo), glibc, passwd)},
	{name: "private library is missing", rule: "library-missing", root: all(inC("/app", "c-need"), glibc)},
	{name: "private library in a default directory", rule: "library-missing", root: all(inC("/app", "c-need"), glibc, inC("/usr/lib/libneed.so.1", "libneed.so.1"))},
	{name: "private library in another directory", rule: "library-missing", root: all(inC("/app", "c-need"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "LD_LIBRARY_PATH leads to it", rule: "library-missing", config: layers.Config{Env: []string{"LD_LIBRARY_PATH=/opt/lib"}},
		root: all(inC("/app", "c-need"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "RUNPATH leads to it", rule: "library-missing", root: all(inC("/app", "c-runpath"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "RUNPATH leads to nothing", rule: "library-missing", root: all(inC("/app", "c-runpath"), glibc)},
	{name: "musl's private library is missing", rule: "library-missing", root: all(inC("/app", "c-musl-need"), musl)},
	{name: "musl's private library is there", rule: "library-missing", root: all(inC("/app", "c-musl-need"), musl, inC("/usr/lib/libneed.so.1", "musl/libneed.so.1"))},
	{name: "musl's path file leads to it", rule: "library-missing",
		root: all(inC("/app", "c-musl-need"), musl, text("/etc/ld-musl-x86_64.path", "/opt/lib\n"), inC("/opt/lib/libneed.so.1", "musl/libneed.so.1"))},
	{name: "the library is for root alone", rule: "library-missing", config: layers.Config{User: "65532"},
		root:  all(inC("/app", "c-need"), glibc, as(0o600, 0, inC("/usr/lib/libneed.so.1", "libneed.so.1"))),
		limit: "whether the user may read a library is not asked"},
}

var libcCells = []cell{
	{name: "a version newer than the image's", rule: "libc-mismatch", root: all(glibc, foreign("/app", elftest.Spec{
		Type: "ET_DYN", Interpreter: ldso, Needed: []string{"libc.so.6"},
		VersionNeeds: []elftest.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34", "GLIBC_2.99"}}}}))},
	{name: "the same libc", rule: "libc-mismatch", root: all(inC("/app", "c-gnu"), glibc)},
	{name: "plain program of glibc on musl with the link", rule: "libc-mismatch", root: all(inC("/app", "c"), compat)},
	{name: "a symbol of glibc on musl with the link", rule: "libc-mismatch", root: all(inC("/app", "c-gnu"), compat)},
	{name: "cgo on musl with the link", rule: "libc-mismatch", root: all(program("/app", "user-lookup", cgo), compat, passwd)},
	{name: "an old private library", rule: "libc-mismatch", root: all(inC("/app", "c-need"), glibc, inC("/usr/lib/libneed.so.1", "less/libneed.so.1"))},
	{name: "cgo for musl on musl", rule: "libc-mismatch", root: all(program("/app", "user-lookup", cgomusl), musl, passwd)},
}

// architectureCells: what another processor's image does on this one cannot be seen here.
func architectureCells() []cell {
	cells := []cell{
		{name: "arm64 in an amd64 image", rule: "architecture-mismatch", runc: true, root: program("/app", "hello", arm64)},
		{name: "amd64 in an amd64 image", rule: "architecture-mismatch", runc: true, root: program("/app", "hello", static)},
	}
	for _, machine := range []string{"EM_RISCV", "EM_ARM", "EM_S390"} {
		cells = append(cells, cell{name: machine + " in an amd64 image", rule: "architecture-mismatch", runc: true, root: foreign("/app", elftest.Spec{Machine: machine})})
	}
	return cells
}

