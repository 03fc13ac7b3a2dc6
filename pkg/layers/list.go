package layers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
)

// facts is what reading a layer tells of it.
type facts struct {
	stratum
	search  searcher
	digest  string // of the stored bytes
	diffID  string // of the tar
	size    int64  // stored bytes
	tarSize int64
	entries int
	form    compression
}

// list reads the entries of a tar. take is called for each regular file, with its body to read; what it leaves of the
// body is passed over. at says where in the tar a body begins.
func (f *facts) list(ctx context.Context, in io.Reader, left *budget, from *origin, at func() int64,
	take func(*item, *tar.Header, *tar.Reader, int64) error) error {
	tr := tar.NewReader(in)
	var room slab
	most, again := left.entries, from.bodies
	if again != nil {
		most = again.most
	}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return tarError(err)
		}
		if f.entries++; f.entries > most {
			return limitError("layer", int64(most), "entries")
		}
		if f.entries%1024 == 0 && context.Cause(ctx) != nil {
			return context.Cause(ctx)
		}
		it, ok, err := itemOf(h, &room)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if again == nil { // else nothing of the entry is kept
			if err := left.hold(room.weight(it, h)); err != nil {
				return err
			}
		}
		if it.entry.Mode.IsRegular() && it.hardlink == "" {
			offset := at()
			if err := take(it, h, tr, offset); err != nil {
				return tarError(err)
			}
			switch {
			case h.Size == 0:
			case again != nil:
				again.add(offset, it.content)
			default:
				it.content = from.content(it.content, offset, h)
			}
		}
		if again != nil {
			room.back()
			continue
		}
		if err := f.add(h.Name, it); err != nil {
			return err
		}
	}
}

// tarError says that a tar which ends inside an entry is cut off.
func tarError(err error) error {
	if errors.Is(err, tar.ErrHeader) {
		return fmt.Errorf("not a tar, or a damaged one: %w", err)
	}
	return err
}
