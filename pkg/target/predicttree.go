package target

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// maxContext is how many files and directories of a build context a prediction looks at.
const maxContext = 400_000

// contextTree is the build context as a builder gets it: without what is ignored, all of it root's, with the modes that
// it has here. Source: the local exporter of BuildKit's client (client/solve.go, resetUIDAndGID).
func (p *predictor) contextTree() (*layers.FS, error) {
	if p.tree != nil {
		return p.tree, nil
	}
	if p.context == nil {
		return nil, fmt.Errorf("there is no build context")
	}
	var files []layers.File
	root := p.context.FS
	err := p.context.Walk(func(name string, dir bool) error {
		if len(files) == maxContext {
			return fmt.Errorf("the build context has more than %d files", maxContext)
		}
		info, err := fs.Lstat(root, name)
		if err != nil {
			return err
		}
		f := layers.File{Path: name, Mode: info.Mode()}
		switch {
		case name == ".":
			return nil
		case info.Mode()&fs.ModeSymlink != 0:
			if f.Link, err = fs.ReadLink(root, name); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			f.Size, f.Open = info.Size(), func() (fs.File, error) { return root.Open(name) }
		case !dir:
			return nil // sockets are not sent, devices and pipes are no sources
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the build context: %w", err)
	}
	p.tree, err = layers.New(files)
	return p.tree, err
}

// lay lays what a stage has added over its base image.
func (m *made) lay() (*layers.Image, error) {
	if m.image != nil && m.merged == len(m.added) {
		return m.image, nil
	}
	below := m.image
	if below == nil {
		below = m.base
	}
	img, err := layers.Stack(below, m.added[m.merged:])
	if err != nil {
		return nil, err
	}
	m.image, m.merged = img, len(m.added)
	return img, nil
}

// tree is the merged tree of a stage that is not lost.
func (m *made) tree() (*layers.FS, error) {
	img, err := m.lay()
	if err != nil {
		return nil, err
	}
	return img.FS, nil
}

// add adds a step; files nil is a step without a layer.
func (m *made) add(step string, files []layers.File) {
	if tree, err := m.known(); err == nil {
		files = withParents(tree, files)
	}
	m.added = append(m.added, layers.Addition{Step: layers.Step{CreatedBy: step, Comment: "buildkit.dockerfile.v0"}, Files: files})
}

// known is the tree if anything is known of it.
func (m *made) known() (*layers.FS, error) {
	if m.lost != "" {
		return nil, errors.New(m.lost)
	}
	return m.tree()
}

// withParents takes away what the tree has already, and adds the directories above the rest, which every layer states
// again as they are. Source: the differs of containerd and BuildKit.
func withParents(tree *layers.FS, files []layers.File) []layers.File {
	if files == nil {
		return nil
	}
	files = slices.DeleteFunc(slices.Clone(files), tree.Holds)
	stated := map[string]bool{"/": true}
	for _, f := range files {
		stated[path.Clean("/"+f.Path)] = true
	}
	var parents []layers.File
	for _, f := range files {
		var above []layers.File
		for dir := path.Dir(path.Clean("/" + f.Path)); !stated[dir]; dir = path.Dir(dir) {
			stated[dir] = true
			if d, ok := tree.Like(dir, dir+"/"); ok && d.Mode.IsDir() {
				above = append(above, d)
			}
		}
		slices.Reverse(above)
		parents = append(parents, above...)
	}
	return append(append([]layers.File{}, parents...), files...)
}

// rootPath follows the symlinks of a path inside a tree; what is not there is taken as it is written, as by RootPath of
// github.com/containerd/continuity/fs.
func rootPath(tree *layers.FS, name string) (string, error) {
	done, rest, hops := "/", strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/"), 0
	for len(rest) > 0 {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		e, ok := tree.Entry(next)
		if !ok || e.Mode&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if hops++; hops > 255 {
			return "", fmt.Errorf("%s: too many symbolic links", name)
		}
		if path.IsAbs(e.Link) {
			done = "/"
		}
		rest = append(strings.Split(strings.Trim(e.Link, "/"), "/"), rest...)
	}
	return done, nil
}

// owner is who owns what a step makes; nil is root, or for what is copied the owner that it had.
type owner struct{ uid, gid int }

// ownerOf resolves USER or --chown as BuildKit does: a number without a group is its own group, a name without an entry
// is root. Source: WithUser in client/llb/fileop.go, readUser in solver/llbsolver/ops/user_linux.go.
func ownerOf(tree *layers.FS, spec string, hazy []string) (*owner, error) {
	if spec == "" {
		return nil, nil
	}
	user, group, _ := strings.Cut(spec, ":")
	for _, name := range []string{user, group} {
		if _, ok := numericID(name); !ok && name != "" && within(hazy, "/etc") != nil {
			return nil, fmt.Errorf("who %s is, after a RUN that may have changed /etc", name)
		}
	}
	o := &owner{}
	if id, ok := numericID(user); ok {
		o.uid, o.gid = id, id
	} else if f := entryOf(tree, "etc/passwd", user); len(f) > 3 {
		o.uid, o.gid = atoi(f[2]), atoi(f[3])
	}
	if group == "" {
		return o, nil
	}
	if id, ok := numericID(group); ok {
		o.gid = id
	} else if f := entryOf(tree, "etc/group", group); len(f) > 2 {
		o.gid = atoi(f[2])
	}
	return o, nil
}
