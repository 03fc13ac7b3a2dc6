package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// taker collects the files that one COPY or ADD takes.
type taker struct {
	c       *Context
	files   map[string]bool
	limit   int
	exclude *matcher // --exclude; it sees paths relative to what is copied
}

// errEnough ends a walk at the limit.
var errEnough = errors.New("enough")

func (c *Context) taken(i *Instruction, limit int) ([]string, error) {
	cp := i.Copy
	if cp == nil || cp.From != nil || cp.FromImage != "" {
		return nil, nil
	}
	if !cp.Known && len(cp.Sources) == 0 || slices.Contains(cp.Sources, "") && !cp.Known {
		return nil, fmt.Errorf("listing what %s takes: a source depends on a value that is not known", i.Keyword)
	}
	exclude, err := newMatcher(cp.Excludes)
	if err != nil {
		return nil, fmt.Errorf("reading --exclude: %w", err)
	}
	t := &taker{c: c, files: map[string]bool{}, limit: limit, exclude: exclude}
	parents := slices.ContainsFunc(i.Flags, func(f Flag) bool { return f.Name == "parents" && !strings.EqualFold(f.Value, "false") })
	for _, src := range cp.Sources {
		if i.Keyword == "ADD" && remote(src) {
			continue
		}
		if parents {
			err = t.parents(src)
		} else {
			err = t.source(src)
		}
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	files := make([]string, 0, len(t.files))
	for name := range t.files {
		files = append(files, name)
	}
	slices.Sort(files)
	return files, nil
}

// remote reports whether a source of ADD is fetched: a URL or a git reference.
func remote(src string) bool {
	for _, scheme := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(src, scheme) {
			return true
		}
	}
	return false
}

// source takes a source: a file, a directory's content, or all that a wildcard matches. A wildcard may match nothing.
func (t *taker) source(src string) error {
	name := cleanSource(src)
	parts := strings.Split(name, "/")
	k := slices.IndexFunc(parts, hasWildcard)
	if k < 0 {
		real, ok, err := t.c.resolve(name)
		if err != nil {
			return err
		}
		if !ok {
			return notFound(src)
		}
		return t.walk(real, nil)
	}
	base, ok, err := t.c.resolve(path.Join(parts[:k]...))
	if err != nil {
		return err
	}
	if !ok {
		return notFound(path.Join(parts[:k]...))
	}
	return t.wildcard(base, path.Join(parts[k:]...))
}

// notFound is the error of a source that is not in the context, in the words of cache/contenthash of BuildKit.
func notFound(src string) error { return fmt.Errorf("%q: not found", path.Clean("/"+src)) }

// hasWildcard reports whether a path component is a pattern.
func hasWildcard(part string) bool {
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '*', '?', '[':
			return true
		case '\\':
			i++
		}
	}
	return false
}

// wildcard takes what matches pattern below base, like resolveWildcards in copy/copy.go of github.com/tonistiigi/fsutil.
func (t *taker) wildcard(base, pattern string) error {
	var matches []string
	err := t.c.visit(base, func(name string, dir bool) error {
		rel := relative(base, name)
		if rel == "." {
			return nil
		}
		if ok, _ := path.Match(pattern, rel); ok {
			matches = append(matches, name)
		}
		if dir && strings.Count(rel, "/") == strings.Count(pattern, "/") {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range matches {
		real, ok, err := t.c.resolve(name)
		if err != nil {
			return err
		}
		if !ok {
			return notFound(name)
		}
		if err := t.walk(real, nil); err != nil {
			return err
		}
	}
	return nil
}

// parents takes a source of COPY --parents: all that matches it, below the part before "/./".
func (t *taker) parents(src string) error {
	root, pattern, ok := strings.Cut(src, "/./")
	if !ok {
		root, pattern = "/", src
	}
	pattern = cleanSource(pattern)
	include, err := newMatcher([]string{pattern})
	if err != nil {
		return fmt.Errorf("reading source %q: %w", src, err)
	}
	base, ok, err := t.c.resolve(cleanSource(root))
	if err != nil {
		return err
	}
	if !ok {
		return notFound(root)
	}
	if !hasWildcard(src) {
		if _, ok, err := t.c.resolve(path.Join(base, pattern)); err != nil || !ok {
			return errors.Join(err, notFound(src))
		}
	}
	return t.walk(base, include)
}

// walk takes the file at name, or the files in the directory at name that the patterns leave.
func (t *taker) walk(name string, include *matcher) error {
	return t.c.visit(name, func(file string, dir bool) error {
		if rel := relative(name, file); rel != "." {
			excluded, _, pruned, err := t.exclude.matchPath(rel)
			if err != nil {
				return fmt.Errorf("matching --exclude: %w", err)
			}
			if dir && excluded && (pruned || t.exclude.prunes(rel)) {
				return fs.SkipDir
			}
			if excluded {
				return nil
			}
			if include != nil {
				if in, _, _, err := include.matchPath(rel); err != nil || !in {
					return err
				}
			}
		}
		if dir {
			return nil
		}
		if t.limit > 0 && len(t.files) >= t.limit && !t.files[file] {
			return errEnough
		}
		t.files[file] = true
		return nil
	})
}

// relative is name as seen from base; name is base or below it.
func relative(base, name string) string {
	switch {
	case name == base:
		return "."
	case base == ".":
		return name
	}
	return strings.TrimPrefix(name, base+"/")
}
