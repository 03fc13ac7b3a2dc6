package reality

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// part furnishes a root with some files.
type part func(t *testing.T, w *world) []layers.File

// file is a file with a mode.
func file(path string, mode fs.FileMode, content string) part {
	return func(*testing.T, *world) []layers.File {
		return []layers.File{{Path: path, Mode: mode, Data: []byte(content)}}
	}
}

// text is a readable file.
func text(path, content string) part { return file(path, 0o644, content) }

// script is an executable text.
func script(path, content string) part { return file(path, 0o755, content) }

// dir is a directory with a mode and an owner.
func dir(path string, mode fs.FileMode, owner int) part {
	return func(*testing.T, *world) []layers.File {
		return []layers.File{{Path: path, Mode: fs.ModeDir | mode, UID: owner, GID: owner}}
	}
}

// link is a symlink.
func link(path, target string) part {
	return func(*testing.T, *world) []layers.File { return []layers.File{{Path: path, Link: target}} }
}

// host copies an executable or library of this machine.
func host(path, from string) part {
	return func(t *testing.T, _ *world) []layers.File {
		t.Helper()
		data, err := os.ReadFile(from)
		if err != nil {
			lab.Lacking(t, "the host has no %s", from)
		}
		return []layers.File{{Path: path, Mode: 0o755, Data: data}}
	}
}

// as gives the files of a part a mode and an owner.
func as(mode fs.FileMode, owner int, p part) part {
	return func(t *testing.T, w *world) []layers.File {
		files := p(t, w)
		for i := range files {
			files[i].Mode = files[i].Mode.Type() | mode
			files[i].UID, files[i].GID = owner, owner
		}
		return files
	}
}

// all joins parts.
func all(parts ...part) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		var files []layers.File
		for _, p := range parts {
			files = append(files, p(t, w)...)
		}
		return files
	}
}

// The C libraries.
var (
	glibcLoader = host("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2")
	glibc       = all(glibcLoader, host("/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"))
	musl        = host("/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1")
	compat      = all(musl, link("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"))
)

// shell puts a shell of this machine at a path: dash and bash with their libraries, or busybox.
func shell(kind, path string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		return all(host(path, needTool(t, kind)), libraries(needTool(t, kind)))(t, w)
	}
}

// applet is a tool that busybox is under a name.
func applet(path string) part { return shell("busybox", path) }

var mapping = regexp.MustCompile(`(/\S+) \(0x`)

// libraries are those that a program of this machine is linked with, each at its path there.
func libraries(program string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		out, err := exec.Command("ldd", program).CombinedOutput()
		if err != nil {
			if strings.Contains(string(out), "not a dynamic executable") {
				return nil
			}
			lab.Lacking(t, "ldd %s: %v: %s", program, err, out)
		}
		var parts []part
		for _, m := range mapping.FindAllSubmatch(out, -1) {
			parts = append(parts, host(string(m[1]), string(m[1])))
		}
		return all(parts...)(t, w)
	}
}

// zone is a file of the zone database, taken from the Go distribution.
func zone(path, name string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		z, err := zip.NewReader(bytes.NewReader(w.zoneZip), int64(len(w.zoneZip)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return []layers.File{{Path: path, Mode: 0o644, Data: data}}
	}
}

// zoneZip is the Go distribution's zone database.
func zoneZip(path string) part {
	return func(_ *testing.T, w *world) []layers.File {
		return []layers.File{{Path: path, Mode: 0o644, Data: w.zoneZip}}
	}
}

// goroot is the Go tree that compiles the programs.
func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// unpack writes files into a directory, as a run-time would have them.
func unpack(t *testing.T, root string, files []layers.File) {
	t.Helper()
	for _, f := range files {
		place := filepath.Join(root, f.Path)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := put(place, f); err != nil {
			t.Fatal(err)
		}
	}
}

func put(place string, f layers.File) error {
	switch {
	case f.Link != "":
		if err := os.Symlink(f.Link, place); err != nil {
			return err
		}
		return os.Lchown(place, f.UID, f.GID)
	case f.Mode.IsDir():
		if err := os.MkdirAll(place, 0o755); err != nil {
			return err
		}
	default:
		if err := write(place, f.Data); err != nil {
			return err
		}
	}
	if err := os.Chown(place, f.UID, f.GID); err != nil {
		return err
	}
	return os.Chmod(place, f.Mode&^fs.ModeType)
}

// write writes a file while nothing forks: a child that has the file open for writing would make it "text file busy".
func write(place string, data []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.Remove(place); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(place, data, 0o644)
}

// makeNull makes the device that shells and inits ask for; every engine gives a container its own /dev.
func makeNull(t *testing.T, root string) {
	t.Helper()
	place := filepath.Join(root, "dev/null")
	const number = 1<<8 | 3 // null(4)
	err := os.MkdirAll(filepath.Dir(place), 0o755)
	if err == nil {
		err = syscall.Mknod(place, syscall.S_IFCHR|0o666, number)
	}
	if err == nil {
		err = os.Chmod(place, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// needLinux skips where the roots and programs cannot run.
func needLinux(t *testing.T) {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("short: runs some five hundred programs")
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64":
		t.Skip("the programs and roots are those of linux/amd64")
	case os.Getuid() != 0:
		lab.Lacking(t, "not root: cannot chroot, change the user or run a container")
	}
}
