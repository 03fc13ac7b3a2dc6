package prove

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// workshop is the directory of one proof. Everything that a proof makes is in it or carries its name, and the process
// holds a lock on it as long as it lives: what has no lock was left behind by one that died.
type workshop struct {
	dir  string // DIR/imgaudit-prove-NNNN, without links
	name string // its last element, the label of its containers
	lock *os.File
}

const workshopPrefix = "imgaudit-prove-"

// openWorkshop makes the directory of a new proof below the directory for temporary files. One that another process
// takes for a leftover before it is locked is given up for the next.
func openWorkshop() (*workshop, error) {
	base, err := filepath.EvalSymlinks(os.TempDir()) // mounts are listed without links
	if err != nil {
		return nil, fmt.Errorf("preparing a proof: %w", err)
	}
	for {
		dir, err := os.MkdirTemp(base, workshopPrefix)
		if err != nil {
			return nil, fmt.Errorf("preparing a proof: %w", err)
		}
		if lock, err := lockDir(dir); err == nil {
			return &workshop{dir: dir, name: filepath.Base(dir), lock: lock}, nil
		} else if !os.IsNotExist(err) && err != unix.EWOULDBLOCK {
			os.Remove(dir)
			return nil, fmt.Errorf("preparing a proof: locking its directory: %w", err)
		}
	}
}

// Scratch makes a directory for what belongs to a proof and outlives it, such as the image that was built. It is removed by
// release, or by the next proof if this process is killed.
func Scratch() (dir string, release func() error, err error) {
	w, err := openWorkshop()
	if err != nil {
		return "", nil, err
	}
	return w.dir, w.close, nil
}

// lockDir locks a directory that nobody has locked, and is still there then.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// close removes the directory; containers and images are removed before. What still runs is ended: a podman that was
// interrupted while it made a container may leave its conmon.
func (w *workshop) close() error {
	defer w.lock.Close()
	endProcesses(map[string]bool{w.name: true}, everyCommand)
	return removeTree(w.dir)
}

// removeTree removes a directory in which something may still be mounted, the innermost mounts first.
func removeTree(dir string) error {
	mounts, err := mountPoints(func(at, _ string) bool { return strings.HasPrefix(at, dir+"/") })
	if err != nil {
		return err
	}
	for i := len(mounts) - 1; i >= 0; i-- {
		if err := unix.Unmount(mounts[i], unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmounting %s: %w", mounts[i], err)
		}
	}
	return os.RemoveAll(dir)
}

// mountPoints lists those that suit, the oldest first. Source: proc(5), /proc/[pid]/mountinfo, fields 5 and 9.
func mountPoints(suits func(at, kind string) bool) (all []string, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil // no Linux, no mounts of ours
		}
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		where, what, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(where), strings.Fields(what)
		if len(fields) < 5 || len(kind) == 0 {
			continue
		}
		if at := octal.Replace(fields[4]); suits(at, kind[0]) {
			all = append(all, at)
		}
	}
	return all, nil
}

// octal undoes what the kernel does to the bytes that would end a field.
var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
