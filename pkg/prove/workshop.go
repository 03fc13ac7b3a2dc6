package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// workshop is the directory of one proof. Everything that a proof makes is in it or carries its name, and the process
// holds a lock on it as long as it lives: what has no lock was left behind by one that died.
type workshop struct {
	dir  string // DIR/imgaudit-prove-NNNN
	name string // its last element, the label of its containers
	lock *os.File
}

const workshopPrefix = "imgaudit-prove-"

// openWorkshop makes the directory of a new proof below the directory for temporary files.
func openWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", workshopPrefix)
	if err != nil {
		return nil, fmt.Errorf("preparing a proof: %w", err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("preparing a proof: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		os.RemoveAll(dir)
		return nil, fmt.Errorf("preparing a proof: locking its directory: %w", err)
	}
	return &workshop{dir: dir, name: filepath.Base(dir), lock: lock}, nil
}

// close removes the directory; containers and images are removed before.
func (w *workshop) close() error {
	defer w.lock.Close()
	return removeTree(w.dir)
}

// Leftovers removes what proofs left behind that did not end well: containers, images, mounts and directories of those
// whose process is gone. It returns the names of what it removed.
func Leftovers(ctx context.Context) ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), workshopPrefix+"*"))
	if err != nil {
		return nil, err
	}
	var gone []string
	var failed error
	for _, dir := range dirs {
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil || unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
			if lock != nil {
				lock.Close()
			}
			continue // alive, or just being made, or another user's
		}
		removed, err := removeLeftover(ctx, dir)
		gone = append(gone, removed...)
		failed = errors.Join(failed, err)
		lock.Close()
	}
	return gone, failed
}

// removeLeftover removes the containers and images of one dead proof in every engine that answers, then its directory.
func removeLeftover(ctx context.Context, dir string) ([]string, error) {
	name := filepath.Base(dir)
	var gone []string
	var failed error
	for _, k := range kinds {
		file, err := exec.LookPath(k.file)
		if err != nil || k.kind == BuildKit {
			continue
		}
		switch k.kind {
		case Docker, Podman:
			removed, err := (&cli{Engine: &Engine{Kind: k.kind, Path: file}}).removeLabelled(ctx, name)
			gone, failed = append(gone, removed...), errors.Join(failed, err)
		case Runc:
			removed, err := removeRuncState(ctx, file, dir)
			gone, failed = append(gone, removed...), errors.Join(failed, err)
		}
	}
	if failed != nil {
		return gone, failed
	}
	return append(gone, dir), removeTree(dir)
}

// removeLabelled removes the containers with the label of a proof, and the images with its name.
func (c *cli) removeLabelled(ctx context.Context, name string) (gone []string, err error) {
	ids, err := c.ask(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+labelKey+"="+name)
	if err != nil {
		return nil, nil // an engine that does not answer has nothing of ours running
	}
	for _, id := range strings.Fields(ids) {
		if _, err := c.ask(ctx, "rm", "--force", "--volumes", id); err != nil {
			return gone, err
		}
		gone = append(gone, string(c.Kind)+" container "+id[:min(12, len(id))])
	}
	images, err := c.ask(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=localhost/"+name)
	if err != nil {
		return gone, err
	}
	for _, image := range strings.Fields(images) {
		if err := c.unload(image); err != nil {
			return gone, err
		}
		gone = append(gone, string(c.Kind)+" image "+image)
	}
	return gone, nil
}

// removeTree removes a directory in which something may still be mounted, the innermost mounts first.
func removeTree(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if err := unix.Unmount(m, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmounting %s: %w", m, err)
		}
	}
	return os.RemoveAll(dir)
}

// mountsBelow lists the mount points in a directory, the newest first. Source: proc(5), /proc/[pid]/mountinfo, field 5.
func mountsBelow(dir string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil // no Linux, no mounts of ours
		}
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			all = append([]string{fields[4]}, all...)
		}
	}
	return all, nil
}
