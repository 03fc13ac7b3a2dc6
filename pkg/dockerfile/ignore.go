package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// maxIgnoreFile bounds an ignore file.
const maxIgnoreFile = 1 << 20

// newContext looks for "<Dockerfile>.dockerignore", then for ".dockerignore" in the root: the first one that exists
// applies alone, an empty one too (frontend/dockerui/config.go of BuildKit).
func newContext(dir string, root fs.FS, dockerfile string) (*Context, error) {
	if dockerfile == "" {
		dockerfile = "Dockerfile"
	}
	c := &Context{Dir: dir, FS: root}
	for _, name := range []string{path.Clean(dockerfile) + ".dockerignore", ".dockerignore"} {
		if !fs.ValidPath(name) {
			continue
		}
		text, err := readBounded(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		c.IgnoreFile = name
		if c.Patterns, err = ignorefile.ReadAll(bytes.NewReader(text)); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		break
	}
	m, err := newMatcher(c.Patterns)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.IgnoreFile, err)
	}
	c.matcher = m
	return c, nil
}

// readBounded reads a small file.
func readBounded(root fs.FS, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxIgnoreFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxIgnoreFile {
		return nil, fmt.Errorf("larger than %d bytes", maxIgnoreFile)
	}
	return text, nil
}

// matcher decides what a list of patterns matches, on a walk from the top down: that is how BuildKit's client filters
// the context (filter.go of github.com/tonistiigi/fsutil), and it is not the same as matching each path on its own. A nil
// matcher matches nothing.
type matcher struct {
	mu       sync.Mutex // patterns compile themselves when first used
	patterns *patternmatcher.PatternMatcher
	// kept are the "!" patterns without a trailing glob; prefixes is true when none of them holds another glob, so that
	// one can tell from the name of a directory that nothing in it is kept.
	kept     []string
	prefixes bool
}

func newMatcher(patterns []string) (*matcher, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	pm, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	m := &matcher{patterns: pm, prefixes: true}
	for _, p := range pm.Patterns() {
		if p.Exclusion() {
			kept := strings.TrimSuffix(strings.TrimSuffix(p.String(), "/**"), "/*")
			m.kept = append(m.kept, kept)
			m.prefixes = m.prefixes && !strings.ContainsAny(kept, `*[]?^\`)
		}
	}
	return m, nil
}

// trail is what the directories above a path matched.
type trail = patternmatcher.MatchInfo

// match matches a path whose parent directory gave above.
func (m *matcher) match(name string, above trail) (bool, trail, error) {
	if m == nil {
		return false, trail{}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.patterns.MatchesUsingParentResults(name, above)
}

// prunes reports whether nothing inside a matched directory can be kept by a "!" pattern.
func (m *matcher) prunes(dir string) bool {
	if !m.prefixes {
		return false
	}
	for _, kept := range m.kept {
		if strings.HasPrefix(kept+"/", dir+"/") {
			return false
		}
	}
	return true
}

// matchPath matches a path from the top down. Its trail is for what lies inside it; pruned tells that a walk never gets
// there.
func (m *matcher) matchPath(name string) (matched bool, t trail, pruned bool, err error) {
	if m == nil || name == "." {
		return false, trail{}, false, nil
	}
	for k := 0; ; k++ {
		next := strings.IndexByte(name[k:], '/')
		last := next < 0
		if last {
			k = len(name)
		} else {
			k += next
		}
		if matched, t, err = m.match(name[:k], t); err != nil || last {
			return matched, t, false, err
		}
		if matched && m.prunes(name[:k]) {
			return true, t, true, nil
		}
	}
}

func (c *Context) ignored(name string) (bool, error) {
	matched, _, _, err := c.matcher.matchPath(cleanSource(name))
	if err != nil {
		return false, fmt.Errorf("matching %q: %w", name, err)
	}
	return matched, nil
}

func (c *Context) with(patterns []string) (*Context, error) {
	more, err := ignorefile.ReadAll(strings.NewReader(strings.Join(patterns, "\n")))
	if err != nil {
		return nil, fmt.Errorf("reading patterns: %w", err)
	}
	d := *c
	d.Patterns = append(slices.Clone(c.Patterns), more...)
	if d.matcher, err = newMatcher(d.Patterns); err != nil {
		return nil, fmt.Errorf("reading patterns: %w", err)
	}
	return &d, nil
}

// cleanSource makes a path of the context, or a source of COPY, relative to the root: "." for the root itself. It
// cannot leave the root.
func cleanSource(name string) string {
	return cleanRoot(path.Clean("/" + name))
}

func cleanRoot(abs string) string {
	if abs == "/" {
		return "."
	}
	return strings.TrimPrefix(abs, "/")
}
