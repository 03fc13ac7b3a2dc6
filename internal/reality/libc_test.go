package reality

import "github.com/imgaudit/imgaudit/internal/elftest"

var libcCells = []cell{
	{name: "a version newer than the image's", rule: "libc-mismatch", root: all(glibc, hollow("/app", elftest.Spec{
		Type: "ET_DYN", Interpreter: ldso, Needed: []string{"libc.so.6"},
		VersionNeeds: []elftest.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34", "GLIBC_2.99"}}}}))},
	{name: "the same libc", rule: "libc-mismatch", root: all(inC("/app", "c-gnu"), glibc)},
	{name: "plain program of glibc on musl with the link", rule: "libc-mismatch", root: all(inC("/app", "c"), compat)},
	{name: "a symbol of glibc on musl with the link", rule: "libc-mismatch", root: all(inC("/app", "c-gnu"), compat)},
	{name: "cgo on musl with the link", rule: "libc-mismatch", root: all(program("/app", "user-lookup", cgo), compat, passwd)},
	{name: "an old private library", rule: "libc-mismatch",
		root: all(inC("/app", "c-need"), glibc, inC("/usr/lib/libneed.so.1", "less/libneed.so.1"))},
	{name: "cgo for musl on musl", rule: "libc-mismatch", root: all(program("/app", "user-lookup", cgomusl), musl, passwd)},
}
