package layers

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
)

// read is Read.
func read(ctx context.Context, kind Kind, name string, opt Options) (*Image, error) {
	list, short, err := find(ctx, kind, name, opt)
	if err == nil && len(list) > 1 {
		err = fmt.Errorf("%w: the index has %d, for several platforms", errSeveral, len(list))
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", short, err)
	}
	list[0].left = newBudget()
	return list[0].read(ctx, kind, name, short, opt)
}

// images is Images.
func images(ctx context.Context, kind Kind, name string, opt Options) iter.Seq2[*Image, error] {
	return func(yield func(*Image, error) bool) {
		list, short, err := find(ctx, kind, name, opt)
		if err != nil {
			yield(nil, fmt.Errorf("reading %s: %w", short, err))
			return
		}
		left := newBudget()
		for _, f := range list {
			f.left = left
			if !yield(f.read(ctx, kind, name, short, opt)) {
				return
			}
			left = left.next()
		}
	}
}

// find finds the image in its source, or the images for AllPlatforms. short is what to call them in messages.
func find(ctx context.Context, kind Kind, name string, opt Options) (list []*found, short string, err error) {
	if opt.Platform != "" && opt.Platform != AllPlatforms {
		if _, err := parsePlatform(opt.Platform); err != nil {
			return nil, name, err
		}
	}
	switch kind {
	case Registry:
		s, from, err := findInRegistry(ctx, name, opt)
		if err != nil {
			return nil, name, err
		}
		list, err = descend(ctx, s, from, opt.Platform)
		return list, name, err
	case Docker, Podman:
		list, err = findInEngine(ctx, kind, name, opt)
		return list, string(kind) + ":" + name, err
	case Stream:
		list, err = findInStream(ctx, opt.Stream, "", opt, nil)
		return list, name, err
	}
	file, tag := split(name)
	short = filepath.Base(file)
	switch kind {
	case OCILayout:
		list, err = findLayout(ctx, file, tag, opt.Platform)
	case OCIArchive, DockerArchive:
		list, err = findInArchive(ctx, kind, file, tag, opt)
	default:
		err = fmt.Errorf("unknown kind of source %q", kind)
	}
	return list, short, err
}
