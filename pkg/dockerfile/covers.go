package dockerfile

import (
	"path"
	"strings"
)

// Makes reports whether the COPY or ADD certainly makes path p ("/app"): its destination is that file, or a directory
// into which a source of that name goes.
func (c *Copy) Makes(p string) bool {
	if !c.Known || c.Dest == "" {
		return false
	}
	dest := path.Clean(c.Dest)
	if !c.DestDir {
		return dest == p
	}
	for _, src := range c.Sources {
		if path.Join(dest, path.Base(src)) == p {
			return true
		}
	}
	return false
}

// Covers reports whether p may have been made by the COPY or ADD: it is the destination, or below it. A destination
// that is not known covers everything.
func (c *Copy) Covers(p string) bool {
	if !c.Known || c.Dest == "" {
		return true
	}
	dest := path.Clean(c.Dest)
	return dest == "/" || p == dest || strings.HasPrefix(p, dest+"/")
}

// Source is the path that p had where it was copied from, rooted; "" if that cannot be told.
func (c *Copy) Source(p string) string {
	if !c.Known || c.Dest == "" || len(c.Sources) == 0 {
		return ""
	}
	dest := path.Clean(c.Dest)
	if p == dest && !c.DestDir && len(c.Sources) == 1 {
		return path.Join("/", c.Sources[0])
	}
	below, ok := strings.CutPrefix(p, strings.TrimSuffix(dest, "/")+"/")
	if !ok {
		return ""
	}
	for _, src := range c.Sources {
		if path.Base(src) == below {
			return path.Join("/", src)
		}
	}
	if len(c.Sources) == 1 {
		return path.Join("/", c.Sources[0], below)
	}
	return ""
}
