package repair

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Diff writes files as one unified diff that `patch -p1` and `git apply` take, byte for byte. Paths should be relative to
// where it is applied; an absolute one is written relative to the root.
func Diff(files []File) string {
	var b strings.Builder
	for _, f := range files {
		from := label("a", f.Path)
		if f.New {
			from = "/dev/null"
		}
		b.WriteString(udiff.Unified(from, label("b", f.Path), string(f.Before), string(f.After)))
	}
	return b.String()
}

// label writes a path as git does: quoted when it holds what would end it, with a tab behind one that holds a space.
func label(side, file string) string {
	name := side + "/" + strings.TrimPrefix(filepath.ToSlash(filepath.Clean(file)), "/")
	if quoted := strconv.QuoteToASCII(name); strings.ContainsAny(name, "\"\\") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return quoted
	}
	if strings.Contains(name, " ") {
		name += "\t"
	}
	return name
}
