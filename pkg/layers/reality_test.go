package layers_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// needRoot skips what needs chroot or a run-time.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot chroot, chown or run a container")
	}
	if testing.Short() {
		t.Skip("short: builds and runs programs")
	}
}

// probe builds testdata/probe as a static program and returns its bytes.
func probe(t *testing.T, flags ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "probe")
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, "./testdata/probe")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unpack writes files to a new directory as a run-time would have them, and returns it.
func unpack(t *testing.T, files []layers.File) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != "/"; dir = filepath.Dir(dir) { // a container's root can be reached by anybody
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o055 != 0o055 {
			if err := os.Chmod(dir, info.Mode().Perm()|0o055); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := tree(t, files)
	err := f.Walk(func(e *layers.Entry) error {
		path := filepath.Join(root, e.Path)
		switch {
		case e.Path == "/":
			return nil
		case e.Mode.IsDir():
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
		case e.Mode&fs.ModeSymlink != 0:
			if err := os.Symlink(e.Link, path); err != nil {
				return err
			}
			return os.Lchown(path, e.UID, e.GID)
		default:
			data, err := f.ReadFile(strings.TrimPrefix(e.Path, "/"))
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				return err
			}
		}
		if err := os.Chown(path, e.UID, e.GID); err != nil {
			return err
		}
		return os.Chmod(path, e.Mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// readFile reads a file of this machine.
func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// owner gives the owner of a file of this machine.
func owner(info fs.FileInfo) (uid, gid int) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(stat.Uid), int(stat.Gid)
}
