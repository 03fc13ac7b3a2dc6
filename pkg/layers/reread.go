package layers

import (
	"context"
	"fmt"
	"slices"
)

// bodies are the contents of the files of a layer that is read again because the cache has not all of them. The entries are in
// memory already, so that a few bytes for each file is all that may be taken for a second reading.
type bodies struct {
	most int // entries of the layer

	again   *replay // of what is read from the layer once more when it is asked for
	offsets []int64 // of those files, in the order of the tar
	sums    []uint64
	others  map[int64]content // by offset: what is in memory, or cannot be had
}

// add takes the content of the file at an offset of the tar.
func (c *bodies) add(offset int64, of content) {
	switch of := of.(type) {
	case *placed: // on disk, where the recalled entry finds it too
	case *replayed:
		c.again = of.again
		c.offsets, c.sums = append(c.offsets, offset), append(c.sums, of.sum)
	default:
		c.others[offset] = of
	}
}

// at is the content of the file at an offset.
func (c *bodies) at(offset int64) (content, error) {
	if of, ok := c.others[offset]; ok {
		return of, nil
	}
	if i, ok := slices.BinarySearch(c.offsets, offset); ok {
		return &replayed{again: c.again, offset: offset, sum: c.sums[i]}, nil
	}
	return nil, fmt.Errorf("no file at offset %d of the layer", offset)
}

// reread reads and verifies a layer that came from the cache, for contents that the cache has not.
func (s *stored) reread(l *Layer, left *budget) (*bodies, error) {
	ctx, cancel := context.WithTimeout(context.Background(), replayTime)
	defer cancel()
	left.unpacked.Add(l.TarSize) // taken when the layer was recalled, and once more now
	o := newOrigin()
	o.bodies = &bodies{most: l.Entries, others: map[int64]content{}}
	if _, err := s.fetch(ctx, l, left, o); err != nil {
		return nil, fmt.Errorf("reading layer %d again: %w", l.Index, err)
	}
	return o.bodies, nil
}
