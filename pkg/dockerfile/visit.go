package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// visit calls fn for name and all below it that the ignore file leaves in the context. Symbolic links are files here: none
// is followed. An ignored directory that holds something kept comes with it, before its first kept entry. fn may return
// fs.SkipDir, which has no effect for such a directory.
func (c *Context) visit(name string, fn func(name string, dir bool) error) error {
	trails, withheld := map[string]trail{}, map[string]bool{}
	_, above, _, err := c.matcher.matchPath(name)
	if err != nil {
		return fmt.Errorf("matching %q: %w", name, err)
	}
	trails[name] = above
	return fs.WalkDir(c.FS, name, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading context: %w", err)
		}
		if file == name {
			return fn(file, d.IsDir())
		}
		ignored, t, err := c.matcher.match(file, trails[path.Dir(file)])
		if err != nil {
			return fmt.Errorf("matching %q: %w", file, err)
		}
		if d.IsDir() {
			if ignored && c.matcher.prunes(file) {
				return fs.SkipDir
			}
			trails[file] = t
		}
		if ignored {
			if d.IsDir() {
				withheld[file] = true
			}
			return nil
		}
		if err := release(withheld, path.Dir(file), fn); err != nil {
			return err
		}
		return fn(file, d.IsDir())
	})
}

// release calls fn for the directories above a kept entry that were withheld so far, the outermost first.
func release(withheld map[string]bool, dir string, fn func(name string, dir bool) error) error {
	if !withheld[dir] {
		return nil
	}
	delete(withheld, dir)
	if err := release(withheld, path.Dir(dir), fn); err != nil {
		return err
	}
	if err := fn(dir, true); !errors.Is(err, fs.SkipDir) {
		return err
	}
	return nil
}

// maxLinks bounds the symbolic links on the way to a file, like the kernel does (path_resolution(7)).
const maxLinks = 40

// resolve follows the symbolic links of a path within the context, as BuildKit does for a source of COPY. ok is false
// when there is no such file, or the ignore file takes it away.
func (c *Context) resolve(name string) (real string, ok bool, err error) {
	rest, done, links := strings.Split(cleanSource(name), "/"), ".", 0
	for len(rest) > 0 {
		next := cleanSource(path.Join(done, rest[0]))
		info, err := fs.Lstat(c.FS, next)
		if errors.Is(err, fs.ErrNotExist) {
			return "", false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("reading context: %w", err)
		}
		rest = rest[1:]
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", false, fmt.Errorf("reading context: %q: too many links", name)
		}
		target, err := fs.ReadLink(c.FS, next)
		if err != nil {
			return "", false, fmt.Errorf("reading context: %w", err)
		}
		if path.IsAbs(target) {
			done = "."
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	there, err := c.present(done)
	return done, there, err
}

// present reports whether a path that exists is in the context: not ignored, or a directory that holds something that
// is not.
func (c *Context) present(name string) (bool, error) {
	ignored, _, pruned, err := c.matcher.matchPath(name)
	if err != nil || !ignored || pruned {
		return err == nil && !ignored, err
	}
	found := false
	err = c.visit(name, func(file string, _ bool) error {
		if file == name {
			return nil
		}
		found = true
		return fs.SkipAll
	})
	return found, err
}
