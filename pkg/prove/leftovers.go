package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Leftovers removes what proofs left behind that did not end well: processes, containers, images, mounts, control groups
// and directories of those whose process is gone. It returns the names of what it removed.
func Leftovers(ctx context.Context) (gone []string, failed error) {
	base, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("looking for leftovers: %w", err)
	}
	dirs, err := filepath.Glob(filepath.Join(base, workshopPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("looking for leftovers: %w", err)
	}
	var dead []string
	for _, dir := range dirs {
		lock, err := lockDir(dir)
		if err != nil {
			continue // alive, or another user's
		}
		defer lock.Close()
		dead = append(dead, dir)
	}
	if dead == nil {
		return nil, nil
	}
	if gone, err = removeLeft(ctx, dead); err != nil {
		return gone, fmt.Errorf("removing leftovers: %w", err)
	}
	for _, dir := range dead {
		if err := removeTree(dir); err != nil {
			failed = errors.Join(failed, fmt.Errorf("removing leftovers: %w", err))
			continue
		}
		gone = append(gone, dir)
	}
	return gone, failed
}

// removeLeft removes what the proofs of some directories have elsewhere. Their engines' clients are ended first, so that
// none makes a container after those that are there were listed; conmon is left to tell podman how its container ended.
func removeLeft(ctx context.Context, dirs []string) ([]string, error) {
	names := map[string]bool{}
	for _, dir := range dirs {
		names[filepath.Base(dir)] = true
	}
	gone := endProcesses(names, func(command string) bool { return command != "conmon" })
	var failed error
	note := func(removed []string, err error) { gone, failed = append(gone, removed...), errors.Join(failed, err) }
	for _, k := range kinds {
		file, err := exec.LookPath(k.file)
		if err != nil {
			continue
		}
		e := &Engine{Kind: k.kind, Path: file}
		if k.kind == Docker || k.kind == Podman {
			note((&cli{Engine: e, dir: dirs[0]}).removeNamed(ctx, names))
		}
		if k.kind == Docker && slices.ContainsFunc(gone, func(what string) bool { return strings.HasSuffix(what, "(docker)") }) {
			note((&cli{Engine: e, dir: dirs[0]}).removeLate(ctx, names))
		}
		if k.kind == Podman || k.kind == Buildah {
			note(e.removeWorking(dirs[0], names))
		}
		for _, dir := range dirs {
			if k.kind == Runc {
				note(e.removeBundles(dir))
			}
		}
	}
	note(endProcesses(names, everyCommand), nil)
	for name := range names {
		note(nil, removeGroups(name+"-*"))
	}
	return gone, failed
}

// settleTime is how long docker's daemon may take to make what a client had asked for that was killed.
const settleTime = time.Second

// removeLate is removeNamed until nothing has come for a while.
func (c *cli) removeLate(ctx context.Context, names map[string]bool) (gone []string, err error) {
	for until := time.Now().Add(settleTime); time.Now().Before(until) && err == nil; time.Sleep(settleTime / 10) {
		var late []string
		if late, err = c.removeNamed(ctx, names); len(late) > 0 {
			gone, until = append(gone, late...), time.Now().Add(settleTime)
		}
	}
	return gone, err
}

// removeNamed removes the containers with the labels of proofs, and the images with their names.
func (c *cli) removeNamed(ctx context.Context, names map[string]bool) (gone []string, failed error) {
	containers, err := c.list(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+labelKey, "--format", "{{.ID}} {{.Labels}}")
	if err != nil {
		if c.Kind == Docker {
			return nil, nil // a daemon that does not answer has nothing of ours running
		}
		return nil, err
	}
	for line := range strings.Lines(containers) {
		id, labels, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !ours(labels, names) {
			continue
		}
		if err := c.removeContainer(id); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, string(c.Kind)+" container "+id[:min(12, len(id))])
	}
	images, err := c.list(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=localhost/"+workshopPrefix+"*")
	if err != nil {
		return gone, errors.Join(failed, err)
	}
	for _, image := range strings.Fields(images) {
		if !ours(strings.TrimPrefix(image, "localhost/"), names) {
			continue
		}
		if err := c.unload(image); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, string(c.Kind)+" image "+image)
	}
	return gone, failed
}

// list has the engine list something. Podman fails when another process removes what it is about to list: it is asked again.
func (c *cli) list(ctx context.Context, args ...string) (out string, err error) {
	for try := range 3 {
		if out, err = c.ask(ctx, c.dir, args...); err == nil || ctx.Err() != nil || c.Kind != Podman {
			break
		}
		time.Sleep(time.Duration(try+1) * 100 * time.Millisecond)
	}
	return out, err
}

// ours reports whether one of the words of a text is a proof's name.
func ours(text string, names map[string]bool) bool {
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,:=[]", r) }), func(w string) bool { return names[w] })
}

// removeBundles removes the containers that a dead proof left in its directory.
func (e *Engine) removeBundles(dir string) (gone []string, failed error) {
	bundles, err := filepath.Glob(filepath.Join(dir, filepath.Base(dir)+"-*"))
	if err != nil {
		return nil, fmt.Errorf("looking for containers: %w", err)
	}
	for _, b := range bundles {
		if err := e.removeBundle(dir, b); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, "runc container "+filepath.Base(b))
	}
	return gone, failed
}
