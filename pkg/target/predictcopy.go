package target

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// copying is one COPY or ADD that is foretold. Source: dispatchCopy in dockerfile2llb/convert_copy.go, docopy in
// solver/llbsolver/file/backend.go of BuildKit, and Copy in copy/copy.go of github.com/tonistiigi/fsutil.
type copying struct {
	m     *made
	dst   *layers.FS // the stage so far, what this instruction has put into it included
	files []layers.File
	owner *owner
	mode  *fs.FileMode // of --chmod
	moved [][2]string  // files: where from, where to

	commits int
}

// maxCommits bounds how often a tree is merged for one instruction.
const maxCommits = 256

// applyCopy foretells COPY and ADD; an error says why it cannot be done.
func (p *predictor) applyCopy(m *made, in *dockerfile.Instruction) error {
	c := in.Copy
	if !c.Known || c.Dest == "" {
		return errors.New("what it takes or where it goes is not known")
	}
	for _, f := range in.Flags {
		switch f.Name {
		case "from", "chown", "chmod", "link":
		default:
			return fmt.Errorf("--%s is not foretold", f.Name)
		}
	}
	dst, err := m.tree()
	if err != nil {
		return err
	}
	w := &copying{m: m, dst: dst, files: []layers.File{}}
	if w.owner, err = ownerOf(dst, c.Chown, m.hazy); err != nil {
		return err
	}
	if c.Chmod != "" {
		n, err := strconv.ParseUint(c.Chmod, 8, 32)
		if err != nil || n > 0o777 || n == 0 {
			return fmt.Errorf("--chmod=%s is not foretold", c.Chmod)
		}
		mode := fs.FileMode(n)
		w.mode = &mode
	}
	if hasFlag(in, "link") {
		if err := w.linkable(c); err != nil {
			return err
		}
	}
	if err := p.sources(in, w); err != nil {
		return err
	}
	for _, h := range in.Heredocs {
		if h.Expand && strings.ContainsAny(h.Content, `$\`) {
			return errors.New("the variables of its here-document are not foretold")
		}
		f := layers.File{Mode: 0o644, Data: []byte(h.Content)}
		w.own(&f, true)
		if err := w.file(f, "", h.Name, c.Dest, c.DestDir); err != nil {
			return err
		}
	}
	m.add(copyStep(in), w.files)
	return nil
}

// sources copies each source of the instruction.
func (p *predictor) sources(in *dockerfile.Instruction, w *copying) error {
	c := in.Copy
	var from *made
	if c.From != nil {
		from = p.stage(c.From)
		if from.lost != "" {
			return errors.New("of what it copies: " + strings.TrimPrefix(from.lost, notYet))
		}
	}
	if len(c.Sources) > maxCommits {
		return errors.New("it has too many sources to be followed")
	}
	for _, source := range c.Sources {
		if in.Keyword == "ADD" && isRemote(source) {
			return fmt.Errorf("%s is fetched by the build", source)
		}
		if from != nil {
			if err := p.realize(from, source); err != nil {
				return err
			}
		}
		src, err := p.sourceTree(c, from)
		if err != nil {
			return err
		}
		names, err := matches(src, source)
		if err != nil {
			return err
		}
		for _, name := range names {
			if in.Keyword == "ADD" && isArchive(src, name) {
				return fmt.Errorf("%s is an archive, which ADD unpacks", source)
			}
			if err := w.copy(src, name, c.Dest, c.DestDir, from == nil && c.FromImage == ""); err != nil {
				return err
			}
		}
	}
	for _, way := range w.moved {
		delete(w.m.built, way[1])
		delete(w.m.outputs, way[1])
		if from == nil {
			continue
		}
		if o, ok := from.built[way[0]]; ok {
			w.m.built[way[1]] = o
		}
	}
	return nil
}

// sourceTree is where a copy takes its files: a stage, an image or the context.
func (p *predictor) sourceTree(c *dockerfile.Copy, from *made) (*layers.FS, error) {
	switch {
	case from != nil:
		return from.tree()
	case c.FromImage != "":
		r := p.read(c.FromImage, p.platform().String(), false)
		if r.err != nil || r.image.FS == nil {
			return nil, errors.New(r.because())
		}
		return r.image.FS, nil
	}
	return p.contextTree()
}

// matches lists the paths that a source names. Source: ResolveWildcards.
func matches(src *layers.FS, source string) ([]string, error) {
	clean := path.Clean("/" + source)
	parts := strings.Split(strings.Trim(clean, "/"), "/")
	k := slices.IndexFunc(parts, func(s string) bool { return strings.ContainsAny(s, `*?[\`) })
	if k < 0 {
		return []string{clean}, nil
	}
	base, err := rootPath(src, path.Join(parts[:k]...))
	if err != nil {
		return nil, err
	}
	pattern := path.Join(parts[k:]...)
	var names []string
	err = src.Walk(func(e *layers.Entry) error {
		rel, below := strings.CutPrefix(e.Path, strings.TrimSuffix(base, "/")+"/")
		if !below || rel == "" {
			return nil
		}
		if n := len(names); n > 0 && strings.HasPrefix(e.Path, names[n-1]+"/") {
			return nil // it comes with the directory that matched
		}
		if ok, _ := path.Match(pattern, rel); ok {
			names = append(names, e.Path)
		}
		return nil
	})
	return names, err
}

// copy copies what stands at a path of a tree. reset makes root its owner.
func (w *copying) copy(src *layers.FS, name, dest string, destDir, reset bool) error {
	real, err := rootPath(src, name)
	if err != nil {
		return err
	}
	e, err := src.Resolve(real)
	if err != nil {
		return fmt.Errorf("%s: not found", name)
	}
	if !e.Mode.IsDir() {
		f, _ := src.Like(real, real)
		w.own(&f, reset)
		return w.file(f, real, path.Base(name), dest, destDir)
	}
	at, err := rootPath(w.dst, dest)
	if err != nil {
		return err
	}
	if err := w.mkdirAll(at); err != nil {
		return err
	}
	if err := w.below(src, real, at, reset); err != nil {
		return err
	}
	return w.commit()
}

// below copies what is in a directory of the tree.
func (w *copying) below(src *layers.FS, dir, at string, reset bool) error {
	list, err := src.ReadDir(orDot(strings.TrimPrefix(dir, "/")))
	if err != nil {
		return err
	}
	for _, d := range list {
		from, to := path.Join(dir, d.Name()), path.Join(at, d.Name())
		f, _ := src.Like(from, to)
		w.own(&f, reset)
		have, there := w.dst.Entry(to)
		switch {
		case !d.IsDir():
			if there && have.Mode.IsDir() {
				return fmt.Errorf("%s is a directory, which the build refuses to replace by a file", to)
			}
			w.files, w.moved = append(w.files, f), append(w.moved, [2]string{from, to})
			continue
		case there && !have.Mode.IsDir():
			return fmt.Errorf("%s is no directory, and the build refuses to copy one there", to)
		case f.Mode.Perm() == 0:
			return fmt.Errorf("%s has no permissions at all", from)
		}
		f.Path += "/"
		w.files = append(w.files, f)
		if err := w.below(src, from, to, reset); err != nil {
			return err
		}
	}
	return nil
}

// own gives a file the owner and mode that the instruction gives it.
func (w *copying) own(f *layers.File, reset bool) {
	if reset {
		f.UID, f.GID = 0, 0
	}
	if w.owner != nil {
		f.UID, f.GID = w.owner.uid, w.owner.gid
	}
	if w.mode != nil && f.Mode&fs.ModeSymlink == 0 {
		f.Mode = f.Mode.Type() | *w.mode
	}
	if w.owner != nil {
		f.Caps = false // chown(2) takes them away
	}
}

// file puts a file at a destination.
func (w *copying) file(f layers.File, from, name, dest string, destDir bool) error {
	at, err := w.target(name, dest, destDir)
	if err != nil {
		return err
	}
	if e, ok := w.dst.Entry(at); ok && e.Mode.IsDir() {
		return fmt.Errorf("%s is a directory, which the build refuses to replace by a file", at)
	}
	f.Path = strings.TrimPrefix(at, "/")
	w.files, w.moved = append(w.files, f), append(w.moved, [2]string{from, at})
	if f.Mode&fs.ModeSymlink == 0 {
		return nil // no other source looks for it: the last of one name wins
	}
	return w.commit()
}

// target is where a file of that name goes, and makes the directories above it.
func (w *copying) target(name, dest string, destDir bool) (string, error) {
	ensure := path.Dir(dest)
	if destDir {
		ensure = dest
	}
	ensure, err := rootPath(w.dst, ensure)
	if err != nil {
		return "", err
	}
	if err := w.mkdirAll(ensure); err != nil {
		return "", err
	}
	at, err := rootPath(w.dst, dest)
	if err != nil {
		return "", err
	}
	if e, ok := w.dst.Entry(at); ok && e.Mode.IsDir() {
		at = path.Join(at, name)
	}
	return at, w.mkdirAll(path.Dir(at))
}

// mkdirAll makes a directory and those above it. Source: MkdirAll in copy/mkdir.go of fsutil.
func (w *copying) mkdirAll(dir string) error {
	mode := fs.FileMode(0o755)
	if w.mode != nil {
		mode = *w.mode
	}
	dirs, err := missing(w.dst, dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		f := layers.File{Path: strings.TrimPrefix(d, "/") + "/", Mode: fs.ModeDir | mode}
		if w.owner != nil {
			f.UID, f.GID = w.owner.uid, w.owner.gid
		}
		w.files = append(w.files, f)
	}
	if len(dirs) == 0 {
		return nil
	}
	return w.commit()
}

// missing lists the directories that must be made for dir to be there, the outermost first.
func missing(tree *layers.FS, dir string) ([]string, error) {
	var list []string
	for ; dir != "/"; dir = path.Dir(dir) {
		e, ok := tree.Entry(dir)
		if !ok {
			list = append(list, dir)
			continue
		}
		if !e.Mode.IsDir() {
			return nil, fmt.Errorf("%s is no directory", dir)
		}
		break
	}
	slices.Reverse(list)
	return list, nil
}

// commit has the next source see what was copied. What is in the files is not read for that.
func (w *copying) commit() error {
	if w.commits++; w.commits > maxCommits {
		return errors.New("it has too many sources to be followed")
	}
	img, err := w.m.lay()
	if err != nil {
		return err
	}
	files := slices.Clone(w.files)
	for i := range files {
		files[i].Open, files[i].Data = nil, nil
	}
	if img, err = layers.Stack(img, []layers.Addition{{Files: files}}); err != nil {
		return err
	}
	w.dst = img.FS
	return nil
}
