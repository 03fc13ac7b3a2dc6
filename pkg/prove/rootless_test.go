package prove

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoNetwork: one who may not make a network is told what that takes.
func TestNoNetwork(t *testing.T) {
	dir := t.TempDir()
	var err error
	if os.Geteuid() == 0 {
		// A thread that gives CAP_SYS_ADMIN up stands for another user.
		failed := onOwnThread(func() error {
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var none [2]unix.CapUserData
			if err := unix.Capset(&header, &none[0]); err != nil {
				return err
			}
			err = wordsOf(unix.Unshare(unix.CLONE_NEWNET))
			return nil
		})
		if failed != nil {
			t.Skip(failed)
		}
	} else {
		_, err = newNetwork(dir)
	}
	var none *NoNetwork
	if !errors.As(err, &none) || none.Hint() == "" || !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v, want an error that says that it needs root", err)
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
}
