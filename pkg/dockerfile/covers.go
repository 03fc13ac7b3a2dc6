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

// Lands is where a file of the context ends up that the COPY or ADD takes: what is in a directory is copied, not the
// directory, and a single file takes the name of a destination that is none. Without a known Dest it is relative.
func (c *Copy) Lands(name string) string {
	for _, src := range c.Sources {
		src = strings.TrimPrefix(path.Clean("/"+src), "/")
		switch {
		case src == "":
			return path.Join(c.Dest, name)
		case src == path.Clean(name) && !c.DestDir && len(c.Sources) == 1 && c.Dest != "":
			return path.Clean(c.Dest)
		case strings.HasPrefix(name, src+"/"):
			return path.Join(c.Dest, strings.TrimPrefix(name, src+"/"))
		}
	}
	return path.Join(c.Dest, path.Base(name))
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
