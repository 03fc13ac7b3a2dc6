package layers

import (
	"io/fs"
	"path"
	"slices"
)

// Remember puts what was read of the image's contents into the cache, so that the same audit needs no layer the next
// time. It is called when the audit is done; without a cache it does nothing.
func (img *Image) Remember() {
	if img.memo == nil || img.memo.store == nil {
		return
	}
	for _, o := range img.memo.origins {
		o.remember()
	}
}

// ReadErrors says which contents could not be read when they were asked for, after Read had returned: what was
// concluded without them is not certain.
func (img *Image) ReadErrors() []Unread {
	if img.memo == nil {
		return nil
	}
	img.memo.mu.Lock()
	defer img.memo.mu.Unlock()
	return slices.Clone(img.memo.failures)
}

// Origin identifies the bytes of the regular file at a rooted path, following no symlink: files of one origin have the
// same bytes, in whatever image. It is "" for what is no such file, or does not come from a layer that was read.
func (f *FS) Origin(name string) string {
	n := f.tree.find(path.Clean("/" + name))
	if n == nil {
		return ""
	}
	if c, ok := n.content.(*remembered); ok {
		return c.id()
	}
	return ""
}

// OpenOnce is Open for a caller that itself keeps what it learns of a file, under the file's Origin: Remember then keeps
// none of what it reads.
func (f *FS) OpenOnce(name string) (fs.File, error) {
	return f.open(name, func(c content, size int64) (readAtCloser, error) {
		if r, ok := c.(*remembered); ok {
			return r.openWhole(size)
		}
		return c.open(size)
	})
}
