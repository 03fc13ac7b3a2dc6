package layers

import (
	"context"
	"fmt"
	"io"
)

// Tar opens the uncompressed tar of one layer of an image whose source can be read in any order, which a stream and an
// engine cannot. Its bytes are not held against any digest: whoever needs that reads the image first. The caller closes.
func Tar(ctx context.Context, kind Kind, name string, opt Options, layer int) (io.ReadCloser, error) {
	if kind == Stream || kind == Docker || kind == Podman {
		return nil, fmt.Errorf("opening a layer of %s: %s is read from its first byte to its last", name, kind)
	}
	list, short, err := find(ctx, kind, name, opt)
	if err != nil {
		return nil, fmt.Errorf("opening a layer of %s: %w", short, err)
	}
	f := list[0]
	switch {
	case len(list) > 1:
		err = errSeveral
	case f.err != nil:
		err = f.err
	case layer < 0 || layer >= len(f.layers):
		err = ErrNotFound
	case f.layers[layer].because != "":
		return nil, fmt.Errorf("opening layer %d of %s: %s", layer, short, f.layers[layer].because)
	}
	var in io.ReadCloser
	if err == nil {
		in, err = f.layers[layer].unpacked(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("opening layer %d of %s: %w", layer, short, err)
	}
	return in, nil
}
