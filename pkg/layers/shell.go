package layers

import (
	"bytes"
	"io"
)

// maxShell bounds how much of a shell is read to recognise it.
const maxShell = 16 << 20

// Strings that give a shell away, each from its own messages; busybox's ash shares dash's.
var (
	markBusybox = []byte("BusyBox v")
	markBash    = [][]byte{[]byte("@(#)Bash version"), []byte("GNU bash, version")}
	markDash    = [][]byte{[]byte("not created under job control"), []byte("Illegal number: %s")}
)

// Shell recognises the program behind a shell's path by what is in the file, not by its name. A file that cannot be
// read, or is no ELF, or of unknown make is "other".
func (f *FS) Shell(path string) Shell {
	shell := Shell{Path: path}
	n, at, err := f.tree.follow(path, true, nil)
	if err != nil || n.isDir() {
		return shell
	}
	shell.Real, shell.Kind = at, "other"
	if !n.entry.ELF {
		return shell
	}
	src, err := n.content.open(n.entry.Size)
	if err != nil {
		return shell
	}
	defer src.Close()
	seen := contains(io.NewSectionReader(src, 0, min(n.entry.Size, maxShell)), markBusybox, markBash[0], markBash[1], markDash[0], markDash[1])
	switch {
	case seen[0]:
		shell.Kind = "busybox"
	case seen[1] || seen[2]:
		shell.Kind = "bash"
	case seen[3] && seen[4]:
		shell.Kind = "dash"
	}
	return shell
}

// contains tells which of some short strings a stream holds.
func contains(r io.Reader, marks ...[]byte) []bool {
	const overlap = 64 // longer than any mark
	seen := make([]bool, len(marks))
	buf := make([]byte, overlap+256<<10)
	kept := 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		window := buf[:kept+n]
		for i, mark := range marks {
			seen[i] = seen[i] || bytes.Contains(window, mark)
		}
		if err != nil {
			return seen
		}
		kept = copy(buf, window[len(window)-overlap:])
	}
}
