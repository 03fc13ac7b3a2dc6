package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

var libraryCells = []cell{
	{name: "libc is missing", rule: "library-missing", root: all(inC("/app", "c"), glibcLoader)},
	{name: "libc of cgo is missing", rule: "library-missing", root: all(program("/app", "user-lookup", cgo), glibcLoader)},
	{name: "libc is there", rule: "library-missing", root: all(program("/app", "user-lookup", cgo), glibc, passwd)},
	{name: "private library is missing", rule: "library-missing", root: all(inC("/app", "c-need"), glibc)},
	{name: "private library in a default directory", rule: "library-missing",
		root: all(inC("/app", "c-need"), glibc, inC("/usr/lib/libneed.so.1", "libneed.so.1"))},
	{name: "private library in another directory", rule: "library-missing",
		root: all(inC("/app", "c-need"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "LD_LIBRARY_PATH leads to it", rule: "library-missing", config: layers.Config{Env: []string{"LD_LIBRARY_PATH=/opt/lib"}},
		root: all(inC("/app", "c-need"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "RUNPATH leads to it", rule: "library-missing",
		root: all(inC("/app", "c-runpath"), glibc, inC("/opt/lib/libneed.so.1", "libneed.so.1"))},
	{name: "RUNPATH leads to nothing", rule: "library-missing", root: all(inC("/app", "c-runpath"), glibc)},
	{name: "musl's private library is missing", rule: "library-missing", root: all(inC("/app", "c-musl-need"), musl)},
	{name: "musl's private library is there", rule: "library-missing",
		root: all(inC("/app", "c-musl-need"), musl, inC("/usr/lib/libneed.so.1", "musl/libneed.so.1"))},
	{name: "musl's path file leads to it", rule: "library-missing",
		root: all(inC("/app", "c-musl-need"), musl, text("/etc/ld-musl-x86_64.path", "/opt/lib\n"), inC("/opt/lib/libneed.so.1", "musl/libneed.so.1"))},
	{name: "the library is for root alone", rule: "library-missing", config: layers.Config{User: "65532"},
		root:  all(inC("/app", "c-need"), glibc, as(0o600, 0, inC("/usr/lib/libneed.so.1", "libneed.so.1"))),
		limit: "whether the user may read a library is not asked"},
}
