package dockerfile

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// applyCopy expands what COPY or ADD takes and where it goes. The destination follows pathRelativeToWorkingDir in
// dockerfile2llb/convert.go.
func (r *reader) applyCopy(st *state, p step, what instructions.SourcesAndDest, chown, chmod string, excludes []string) error {
	if p.in.Copy == nil {
		p.in.Copy = &Copy{}
	}
	c := p.in.Copy
	c.Known, c.Excludes = true, excludes
	expanded := func(word string) (value string, err error) {
		value, isKnown, err := st.expand(word)
		r.needs(p.in, st.scope, word, isKnown)
		c.Known = c.Known && isKnown
		return value, err
	}
	for _, src := range what.SourcePaths {
		src, err := expanded(src)
		if err != nil {
			return err
		}
		c.Sources = append(c.Sources, src)
	}
	dest, err := expanded(what.DestPath)
	if err != nil {
		return err
	}
	for _, owner := range []struct {
		to   *string
		word string
	}{{&c.Chown, chown}, {&c.Chmod, chmod}} {
		value, isKnown, err := st.expand(owner.word)
		if err != nil {
			return err
		}
		r.needs(p.in, st.scope, owner.word, isKnown)
		*owner.to = value
	}
	_, destKnown, _ := st.expand(what.DestPath)
	c.DestDir = dest == "." || strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, "/.") ||
		destKnown && dest == "" || len(what.SourcePaths)+len(what.SourceContents) > 1
	if !path.IsAbs(dest) {
		if !st.workdirSet {
			c.Known = false
			return nil
		}
		dest = path.Join("/", st.workdir, dest)
	}
	if !destKnown {
		return nil
	}
	c.Dest = path.Clean(dest)
	st.madeBy(c)
	return nil
}

// madeBy records the directories that a copy makes: the destination, or what holds it.
func (st *state) madeBy(c *Copy) {
	dir := c.DestDir
	for _, src := range c.Sources {
		dir = dir || src == "." || strings.HasSuffix(src, "/")
	}
	if dir {
		st.make(c.Dest)
	} else {
		st.make(path.Dir(c.Dest))
	}
}
