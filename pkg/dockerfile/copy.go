package dockerfile

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// applyCopy expands what COPY or ADD takes and where it goes. The destination follows pathRelativeToWorkingDir in
// dockerfile2llb/convert.go.
func (st *state) applyCopy(p step, what instructions.SourcesAndDest, chown, chmod string, excludes []string) error {
	c := &Copy{}
	if !p.trigger {
		if p.in.Copy == nil {
			p.in.Copy = c
		}
		c = p.in.Copy
	}
	c.Known, c.Excludes = true, excludes
	expanded := func(word string) (value string, err error) {
		value, isKnown, err := st.expand(word)
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
	if c.Chown, _, err = st.expand(chown); err != nil {
		return err
	}
	if c.Chmod, _, err = st.expand(chmod); err != nil {
		return err
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
