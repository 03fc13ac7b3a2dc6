package layers

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// fileIdentity names a file and its state, and says when it changed last: every write moves a time that no program can
// set. Source: inode(7), ctime.
func fileIdentity(info fs.FileInfo) (id string, changed time.Time) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", time.Time{}
	}
	changed = time.Unix(st.Ctim.Unix())
	if m := info.ModTime(); m.After(changed) {
		changed = m
	}
	return fmt.Sprintf("%d\n%d\n%d\n%d\n%d", st.Dev, st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano()), changed
}
