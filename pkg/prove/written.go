package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// written lists what a container has created or changed on its root file system, rooted. Source: podman-diff(1), docker
// diff.
func (c *cliContainer) written(ctx context.Context) ([]string, error) {
	if c.id() == "" {
		return nil, nil
	}
	args := []string{"diff", c.id()}
	if c.Kind == Podman {
		args = []string{"diff", "--format", "json", c.id()}
	}
	out, err := c.ask(ctx, c.dir, args...)
	if err != nil {
		return nil, fmt.Errorf("asking what the container has written: %w", err)
	}
	var all []string
	if c.Kind == Podman {
		var changes struct{ Changed, Added []string }
		err := json.Unmarshal([]byte(out), &changes)
		return slices.Concat(changes.Changed, changes.Added), err
	}
	for line := range strings.Lines(out) { // "A /path", "C /path", "D /path"
		if kind, name, _ := strings.Cut(strings.TrimSpace(line), " "); kind == "A" || kind == "C" {
			all = append(all, name)
		}
	}
	return all, nil
}

// written compares the bundle's tree with the time at which the program was started.
func (c *bareContainer) written(context.Context) (all []string, err error) {
	if c.refused != "" {
		return nil, nil
	}
	root := filepath.Join(c.bundle, "rootfs")
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s := info.Sys().(*syscall.Stat_t); file != root && s.Ctim.Nano() >= c.started.UnixNano() {
			all = append(all, strings.TrimPrefix(file, root))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking at what the container has written: %w", err)
	}
	return all, nil
}

// mountPlaces are paths at which a container has a mount or a file of the engine's.
var mountPlaces = []string{"/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/run/.containerenv", "/run/secrets", "/.dockerenv"}

// ownWrites are those of the paths that are the program's doing, and would fail on a root file system that is read-only:
// no mounts, no volumes, no directory of the image in which something else was written.
func ownWrites(paths []string, img *layers.Image) []string {
	var own []string
	for _, p := range paths {
		p = path.Clean(p)
		mounted := func(m string) bool { return within(p, m) || within(m, p) }
		inVolume := func(v string) bool { return within(p, path.Join("/", v)) }
		if e, ok := img.FS.Entry(p); ok && e.Mode.IsDir() || slices.ContainsFunc(mountPlaces, mounted) || slices.ContainsFunc(img.Config.Volumes, inVolume) {
			continue
		}
		own = append(own, p)
	}
	slices.Sort(own)
	above := map[string]bool{}
	for _, p := range own {
		for dir := path.Dir(p); !above[dir]; dir = path.Dir(dir) {
			above[dir] = true
		}
	}
	return slices.DeleteFunc(slices.Compact(own), func(p string) bool { return above[p] })
}

// within reports whether a path is a directory or below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// unwritable is the first of the paths that the program wrote and that a user may not write, "" if he may write all.
func unwritable(writes []string, img *layers.Image, id layers.Identity) string {
	for _, p := range writes {
		for dir := p; ; dir = path.Dir(dir) {
			e, ok := img.FS.Entry(dir)
			if !ok {
				continue // it was made, or what is above it
			}
			want := layers.Write
			if e.Mode.IsDir() {
				want |= layers.Exec
			}
			if !img.FS.Access(dir, id, want).OK {
				return p
			}
			break
		}
	}
	return ""
}
