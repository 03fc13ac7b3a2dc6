package target

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// sourceDir is where the source of a stage is laid out to be compiled: what was copied into the stage, and what a mount
// shows. It is a root that nothing gets out of: links lead where they lead in the stage, inside of it.
type sourceDir struct {
	root *os.Root
	left int64 // bytes
}

// lay writes the source that a build line sees into a directory that it makes, and gives the one the line runs in.
func (p *predictor) lay(o *output, dir string) (string, error) {
	const most = 2 << 30 // bytes
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	d := &sourceDir{root: root, left: most}
	err = o.tree.Walk(func(e *layers.Entry) error {
		if e.Layer < o.lowest || e.Path == "/" {
			return nil
		}
		return d.put(o.tree, e, e.Path)
	})
	if err != nil {
		return "", err
	}
	for _, m := range o.in.Run.Mounts {
		if m.Type == "bind" {
			if err := p.layMount(o, m, d); err != nil {
				return "", err
			}
		}
	}
	at := inRoot(o.build.Dir)
	if err := root.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(dir, at))
	if err != nil {
		return "", err
	}
	if base, err := filepath.EvalSymlinks(dir); err != nil || real != base && !strings.HasPrefix(real, base+string(filepath.Separator)) {
		return "", errors.Join(err, fmt.Errorf("%s leads out of the stage", o.build.Dir))
	}
	return real, nil
}

// inRoot is a path of the stage as one of the directory.
func inRoot(name string) string {
	return filepath.FromSlash(orDot(strings.TrimPrefix(path.Clean("/"+name), "/")))
}

// layMount writes what a bind mount shows.
func (p *predictor) layMount(o *output, m dockerfile.Mount, d *sourceDir) error {
	if m.From != "" {
		return fmt.Errorf("a mount of %s is not foretold", m.From)
	}
	tree, err := p.contextTree()
	if err != nil {
		return err
	}
	target := m.Target
	if !path.IsAbs(target) {
		target = path.Join("/", o.workdir, target)
	}
	if target = path.Clean(target); target == "/" {
		return errors.New("a mount over the whole stage")
	}
	if err := d.root.RemoveAll(inRoot(target)); err != nil {
		return err
	}
	root := path.Clean("/" + m.Source)
	return tree.Walk(func(e *layers.Entry) error {
		rel, below := strings.CutPrefix(e.Path, strings.TrimSuffix(root, "/"))
		if !below || rel != "" && rel[0] != '/' {
			return nil
		}
		return d.put(tree, e, path.Join(target, rel))
	})
}

// put writes an entry of a tree.
func (d *sourceDir) put(tree *layers.FS, e *layers.Entry, to string) error {
	at := inRoot(to)
	if e.Mode.IsDir() {
		return d.root.MkdirAll(at, 0o755)
	}
	if err := d.root.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	switch {
	case e.Mode&fs.ModeSymlink != 0:
		link := e.Link
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(to), link)
		}
		rel, err := filepath.Rel(filepath.Dir(at), inRoot(link))
		if err != nil {
			return err
		}
		return d.root.Symlink(rel, at)
	case !e.Mode.IsRegular():
		return nil
	}
	if d.left -= e.Size; d.left < 0 {
		return errors.New("its source is too big")
	}
	return d.write(tree, e.Path, at)
}

// write copies a file of a tree.
func (d *sourceDir) write(tree *layers.FS, from, at string) (err error) {
	in, err := tree.Open(strings.TrimPrefix(from, "/"))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := d.root.OpenFile(at, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
