//go:build unix

package cache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// safe refuses a directory whose entries somebody else could have written.
func safe(info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return errors.New("it belongs to another user")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("others may write to it (chmod go-w it, or name another directory)")
	}
	return nil
}
