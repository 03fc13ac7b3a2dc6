package repair

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// version is the text at one moment of a correction, and what the rules say of it.
type version struct {
	subject *audit.Subject
	files   map[string][]byte // all that were changed so far, by name: "" for the Dockerfile, else relative to the context
	all     []audit.Finding   // of the whole subject
	text    []audit.Finding   // of the Dockerfile, context and module alone: what a change of text can take away
	joint   bool              // the subject has more than these, and all is not text
	fresh   bool              // image and text were paired for this very text
	seen    map[string]int    // how often all has each key
	lines   []int             // where the lines of the Dockerfile begin
}

// first judges the subject as it is given, with the changes of earlier corrections.
func (c *corrector) first(s *audit.Subject) (*version, error) {
	files := map[string][]byte{}
	for _, f := range c.opt.Changed {
		if name, ok := nameOf(s, f.Path); ok {
			files[name] = f.After
		}
	}
	if len(files) == 0 {
		return c.judge(s, files), nil
	}
	f, ctx, err := reread(s, files)
	if err != nil {
		return nil, err
	}
	return c.judge(s.Rewritten(f, ctx, nil), files), nil
}

// findings runs the rules.
func (c *corrector) findings(s *audit.Subject) []audit.Finding {
	c.budget--
	if c.opt.Stop != nil && c.stopped == nil {
		c.stopped = c.opt.Stop()
	}
	if c.stopped != nil {
		c.budget = 0
		return nil
	}
	found := audit.Run(s, c.rules).Findings
	if c.opt.Count != nil {
		found = c.opt.Count(s, found)
	}
	return found
}

// judge makes a version of a subject.
func (c *corrector) judge(s *audit.Subject, files map[string][]byte) *version {
	v := &version{subject: s, files: files, all: c.findings(s)}
	c.offerWhole(s, v.all)
	v.text, v.seen, v.lines = v.all, tally(v.all), lineStarts(s.Dockerfile.Source)
	if s.Image != nil || len(s.Programs) > 0 {
		v.joint = true
		text := &audit.Subject{Dockerfile: s.Dockerfile, Context: s.Context, Module: s.Module, Now: s.Now, DockerfileCarried: s.DockerfileCarried}
		text.Prepare()
		v.text = c.findings(text)
	}
	return v
}

// apply gives the files after some edits.
func (v *version) apply(edits []dockerfile.Edit) (map[string][]byte, error) {
	byName := map[string][]dockerfile.Edit{}
	for _, e := range edits {
		name, err := v.resolve(e.Path)
		if err != nil {
			return nil, err
		}
		byName[name] = append(byName[name], e)
	}
	files := map[string][]byte{}
	for name, text := range v.files {
		files[name] = text
	}
	for name, list := range byName {
		src, err := v.read(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if files[name], err = dockerfile.Apply(src, list); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// resolve gives the name of the file that an edit is for. An ignore file is the one that applies.
func (v *version) resolve(name string) (string, error) {
	ctx := v.subject.Context
	switch {
	case name == "":
		return "", nil
	case ctx == nil:
		return "", fmt.Errorf("%s belongs to the build context, which was not given", name)
	case name == ".dockerignore" && ctx.IgnoreFile != "":
		return ctx.IgnoreFile, nil
	case !fs.ValidPath(name):
		return "", fmt.Errorf("%q is no path in the build context", name)
	}
	return name, nil
}

// read gives the text of a file in this version.
func (v *version) read(name string) ([]byte, error) {
	if text, ok := v.files[name]; ok {
		return text, nil
	}
	return original(v.subject, name)
}

// original is the text of a file as the subject has it.
func original(s *audit.Subject, name string) ([]byte, error) {
	if name == "" {
		return s.Dockerfile.Source, nil
	}
	const most = 1 << 20 // bytes
	f, err := s.Context.FS.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("reading %s: larger than %d bytes", name, most)
	}
	return text, err
}

// reread reads the changed Dockerfile and the context around the changed files.
func reread(s *audit.Subject, files map[string][]byte) (*dockerfile.File, *dockerfile.Context, error) {
	src, ok := files[""]
	if !ok {
		src = s.Dockerfile.Source
	}
	f, err := dockerfile.Parse(s.Dockerfile.Path, src, s.Dockerfile.Options)
	if err != nil {
		return nil, nil, err
	}
	if f.Final() == nil {
		return nil, nil, fmt.Errorf("%s: there is no stage %s any more", f.Path, f.Options.Target)
	}
	ctx := s.Context
	if ctx != nil {
		changed := map[string][]byte{}
		for name, text := range files {
			if name != "" {
				changed[name] = text
			}
		}
		if len(changed) > 0 {
			if ctx, err = dockerfile.NewContext(ctx.Dir, &overlay{base(ctx.FS), changed}, dockerfileIn(s)); err != nil {
				return nil, nil, err
			}
		}
	}
	return f, ctx, nil
}

// dockerfileIn is the path of the Dockerfile relative to the context, which decides the ignore file that applies.
func dockerfileIn(s *audit.Subject) string {
	if own, ok := strings.CutSuffix(s.Context.IgnoreFile, ".dockerignore"); ok && own != "" {
		return own
	}
	rel, err := filepath.Rel(cmpDir(s.Context.Dir), s.Dockerfile.Path)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

// cmpDir is a directory by a name that is never empty.
func cmpDir(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// pathOf is where a file of a correction stands.
func pathOf(s *audit.Subject, name string) string {
	if name == "" {
		return s.Dockerfile.Path
	}
	return filepath.Join(s.Context.Dir, filepath.FromSlash(name))
}

// nameOf is the name that pathOf made a path of.
func nameOf(s *audit.Subject, file string) (string, bool) {
	if filepath.Clean(file) == filepath.Clean(s.Dockerfile.Path) {
		return "", true
	}
	if s.Context == nil {
		return "", false
	}
	rel, err := filepath.Rel(cmpDir(s.Context.Dir), file)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return path.Clean(filepath.ToSlash(rel)), true
}
