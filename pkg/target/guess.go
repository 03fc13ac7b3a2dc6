package target

import (
	"io/fs"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// fits reports whether a directory that nobody named is the build context of a Dockerfile: all that it copies and mounts
// from there is there, and something says that this is no accident. That is a source with a name of its own, since
// "COPY . ." finds something everywhere, an ignore file, or a go.mod.
func fits(f *dockerfile.File, c *dockerfile.Context) bool {
	likely := c.IgnoreFile != ""
	if info, err := fs.Stat(c.FS, "go.mod"); err == nil && info.Mode().IsRegular() {
		likely = true
	}
	for _, stage := range f.Stages {
		for _, in := range stage.Instructions {
			named, ok := taken(in, c)
			if !ok {
				return false
			}
			likely = likely || named
		}
	}
	return likely
}

// taken reports whether a context has all that an instruction takes from it, and whether that names something in it.
func taken(in *dockerfile.Instruction, c *dockerfile.Context) (named, ok bool) {
	if cp := in.Copy; cp != nil && cp.From == nil && cp.FromImage == "" && cp.Known {
		for _, source := range cp.Sources {
			named = named || isName(source)
		}
		if !named {
			return false, true // there is always something
		}
		if _, err := c.Taken(in, 1); err != nil {
			return false, false
		}
	}
	if in.Run == nil {
		return named, true
	}
	for _, m := range in.Run.Mounts {
		if m.Type != "bind" || m.From != "" || !isName(m.Source) {
			continue
		}
		if _, err := fs.Stat(c.FS, strings.TrimPrefix(path.Clean("/"+m.Source), "/")); err != nil {
			return false, false
		}
		named = true
	}
	return named, true
}

// isName reports whether a source names something in the context, not all of it: a pattern of any name does not, a URL
// is somewhere else.
func isName(source string) bool {
	return strings.Trim(source, "./*") != "" && !strings.Contains(source, "://") && !strings.HasPrefix(source, "git@")
}
