package dockerfile

import "io/fs"

// Context is a build context: a directory as a builder sends it, after .dockerignore.
type Context struct {
	Dir string // as named, for messages; "" for one made in memory
	FS  fs.FS
	// IgnoreFile is the ignore file that applies: "<Dockerfile>.dockerignore" before ".dockerignore"; "" if none.
	IgnoreFile string
	// Patterns are its lines, cleaned as BuildKit does.
	Patterns []string
	matcher  *matcher
}

// NewContext reads the ignore file of the context root for the Dockerfile at dockerfile (a path relative to root, ""
// for "Dockerfile").
func NewContext(dir string, root fs.FS, dockerfile string) (*Context, error) {
	return newContext(dir, root, dockerfile)
}

// Ignored reports whether a path ("sub/.env") is left out of the context.
func (c *Context) Ignored(path string) (bool, error) { return c.ignored(path) }

// Taken lists the files (no directories), sorted, that a COPY or ADD from the context takes, at most limit (0: no
// limit). A source that matches nothing gives an error in BuildKit's words.
func (c *Context) Taken(i *Instruction, limit int) ([]string, error) { return c.taken(i, limit) }

// With is the context with more lines at the end of its ignore file, or with an ignore file of these lines.
func (c *Context) With(patterns ...string) (*Context, error) { return c.with(patterns) }
