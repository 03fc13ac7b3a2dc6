package layers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// still finds one image whose blobs can be opened in any order: what comes through a pipe, from an engine or out of a
// packed archive is laid down in dir. done removes it; it is never nil.
func still(ctx context.Context, kind Kind, name string, opt Options, dir string) (f *found, short string, done func(), err error) {
	done = func() {}
	in, short, tag, err := flowing(ctx, kind, name, opt)
	if err != nil {
		return nil, short, done, err
	}
	var list []*found
	if in == nil {
		list, short, err = find(ctx, kind, name, opt)
	} else {
		var file string
		file, err = spool(ctx, in, dir)
		done = func() { _ = os.Remove(file) }
		if err == nil {
			list, err = findSpooled(ctx, file, tag, opt)
		}
	}
	switch {
	case err != nil:
		return nil, short, done, err
	case len(list) > 1:
		return nil, short, done, fmt.Errorf("%w: the index has %d, for several platforms", errSeveral, len(list))
	case list[0].err != nil:
		return nil, short, done, list[0].err
	}
	return list[0], short, done, nil
}

// flowing opens a source that can only be read from its first byte to its last, nil for the other ones.
func flowing(ctx context.Context, kind Kind, name string, opt Options) (in io.ReadCloser, short, tag string, err error) {
	switch kind {
	case Stream:
		if opt.Stream == nil {
			return nil, name, "", errNoStream
		}
		return io.NopCloser(opt.Stream), name, "", nil
	case Docker, Podman:
		short = string(kind) + ":" + name
		again, address, err := exporter(ctx, kind, name, opt)
		if err != nil {
			return nil, short, "", err
		}
		if in, err = again(ctx); err != nil {
			err = fmt.Errorf("%s: exporting the image: %w", address, err)
		}
		return in, short, "", err
	case OCIArchive, DockerArchive:
		file, tag := split(name)
		f, _, err := openRegular(file)
		if err != nil {
			return nil, filepath.Base(file), "", err
		}
		if errors.Is(refuseCompressed(f), errCompressed) {
			if _, err = f.Seek(0, io.SeekStart); err != nil {
				f.Close()
			}
			return f, filepath.Base(file), tag, err
		}
		return nil, filepath.Base(file), tag, f.Close()
	}
	return nil, name, "", nil
}

// spool lays what flows down in a new file of dir, unpacked, and closes it. There is a file only if there is no error.
func spool(ctx context.Context, in io.ReadCloser, dir string) (file string, err error) {
	defer in.Close()
	r, stop := interruptible(ctx, in)
	defer stop()
	packed := &counted{Reader: r}
	z, _, err := decompress(packed)
	if err != nil {
		return "", err
	}
	defer z.Close()
	out, err := os.CreateTemp(dir, "spool-*.tar")
	if err != nil {
		return "", err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, &counted{Reader: z, from: packed}, make([]byte, 256<<10))
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(out.Name())
		return "", err
	}
	return out.Name(), nil
}

// findSpooled finds the image in a spooled archive of either kind, as a stream of it would be read.
func findSpooled(ctx context.Context, file, tag string, opt Options) ([]*found, error) {
	a, err := openArchive(ctx, file)
	switch {
	case errors.Is(err, tar.ErrHeader):
		return nil, fmt.Errorf("not a tar: %w", ErrNotImage)
	case err != nil:
		return nil, err
	}
	if _, ok := a.member("manifest.json"); ok {
		return findSaved(a, tag)
	}
	if _, ok := a.member("index.json"); !ok {
		return nil, errNeither
	}
	return findInArchive(ctx, OCIArchive, file, tag, opt)
}
