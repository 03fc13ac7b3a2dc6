package layers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// archive is the table of contents of a tar on disk that holds an image. Its members are read in place.
type archive struct {
	path    string
	was     fs.FileInfo
	members map[string]member
}

// member is one file of an archive, or a link to one.
type member struct {
	offset, size int64
	link         string // another member, of a symlink or hard link
}

// openArchive lists a tar file without reading the bodies.
func openArchive(ctx context.Context, file string) (*archive, error) {
	f, info, err := openRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := refuseCompressed(f); err != nil {
		return nil, err
	}
	a := &archive{path: file, was: info, members: map[string]member{}}
	in := io.NewSectionReader(f, 0, info.Size())
	tr := tar.NewReader(in)
	for count := 0; ; count++ {
		h, err := tr.Next()
		if err == io.EOF {
			return a, nil
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil && count >= maxArchive {
			err = limitError("archive", maxArchive, "entries")
		}
		if err != nil {
			return nil, err
		}
		offset, err := in.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		name := memberName(h.Name)
		switch {
		case h.Typeflag == tar.TypeReg && !sparse(h):
			a.members[name] = member{offset: offset, size: h.Size}
		case h.Typeflag == tar.TypeSymlink:
			a.members[name] = member{link: path.Join("/", path.Dir(name), h.Linkname)[1:]}
		case h.Typeflag == tar.TypeLink:
			a.members[name] = member{link: memberName(h.Linkname)}
		}
	}
}

// errCompressed is an archive whose members cannot be read in place.
var errCompressed = fmt.Errorf("a compressed archive: %w", ErrNotImage)

// refuseCompressed tells a compressed archive.
func refuseCompressed(f *os.File) error {
	var head [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("too short for an archive: %w", ErrNotImage)
	}
	if compressionOf(head[:]) != plain {
		return errCompressed
	}
	return nil
}

// sparse tells a GNU sparse file, whose bytes are not stored one after the other.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// member returns a file of the archive; docker save stores a layer that occurs twice as a link.
func (a *archive) member(name string) (*fileBlob, bool) {
	name = memberName(name)
	for range 8 {
		m, ok := a.members[name]
		if !ok {
			return nil, false
		}
		if m.link == "" {
			return &fileBlob{path: a.path, offset: m.offset, size: m.size, was: a.was}, true
		}
		name = m.link
	}
	return nil, false
}

// read returns a document of the archive of at most limit bytes.
func (a *archive) read(name string, limit int64) ([]byte, error) {
	b, ok := a.member(name)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, printable(name))
	}
	r, f, err := b.section()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(r, limit, printable(name))
}

// document and blob make an archive of an OCI layout a store.
func (a *archive) document(_ context.Context, d descriptor, limit int64) ([]byte, error) {
	return a.read(blobName(d), limit)
}

func (a *archive) blob(d descriptor) blob {
	b, _ := a.layer(blobName(d))
	return b
}

// layer returns a member as a layer, and its size, -1 if it is not there.
func (a *archive) layer(name string) (blob, int64) {
	b, ok := a.member(name)
	if !ok {
		return missingBlob{name}, -1
	}
	return b, b.size
}

func blobName(d descriptor) string { return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:") }

// findInArchive finds images in a tar of docker save or of an OCI layout. One that is compressed is read as a stream.
func findInArchive(ctx context.Context, kind Kind, file, tag string, opt Options) ([]*found, error) {
	a, err := openArchive(ctx, file)
	if errors.Is(err, errCompressed) {
		return findInPackedArchive(ctx, file, tag, opt)
	}
	if err != nil {
		return nil, err
	}
	_, saved := a.member("manifest.json")
	_, layout := a.member("index.json")
	switch {
	case kind == DockerArchive && !saved && layout:
		return nil, fmt.Errorf("%w: manifest.json; this is an %s", ErrNotFound, OCIArchive)
	case kind == OCIArchive && saved && !layout:
		return nil, fmt.Errorf("%w: index.json; this is a %s", ErrNotFound, DockerArchive)
	case kind == DockerArchive:
		return findSaved(a, tag)
	}
	index, err := a.read("index.json", maxManifest)
	if err != nil {
		return nil, err
	}
	return findInLayout(ctx, a, index, tag, opt.Platform)
}

// detect tells the kinds of image on disk apart.
func detect(file string) (Kind, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", notFound(err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(file, "index.json")); err != nil {
			return "", fmt.Errorf("directory %s without index.json: %w", file, ErrNotImage)
		}
		return OCILayout, nil
	}
	a, err := openArchive(context.Background(), file)
	switch {
	case errors.Is(err, errCompressed):
		return detectPacked(file)
	case errors.Is(err, tar.ErrHeader):
		return "", fmt.Errorf("%s: not a tar: %w", file, ErrNotImage)
	case err != nil:
		return "", fmt.Errorf("%s: %w", file, err)
	}
	// docker save of Docker 25 and later writes both; the older form names its images in full.
	if _, ok := a.member("manifest.json"); ok {
		return DockerArchive, nil
	}
	if _, ok := a.member("index.json"); ok {
		return OCIArchive, nil
	}
	return "", fmt.Errorf("%s: a tar with neither manifest.json nor index.json: %w", file, ErrNotImage)
}

// memberForm is what the members of an archive are called.
var memberForm = lazyregexp.New(`^(blobs(/.*)?|(sha256:)?[0-9a-f]{64}.*|manifest\.json|index\.json|oci-layout|repositories)$`)

// detectPacked tells a compressed archive by its first member; which of the two it is shows when it is read.
func detectPacked(file string) (Kind, error) {
	f, _, err := openRegular(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, _, err := decompress(f)
	if err == nil {
		defer z.Close()
		var h *tar.Header
		if h, err = tar.NewReader(z).Next(); err == nil && memberForm.MatchString(memberName(h.Name)) {
			return DockerArchive, nil
		}
	}
	return "", fmt.Errorf("%s: compressed, and no archive of images: %w", file, ErrNotImage)
}

// findInPackedArchive finds images in a compressed archive, which cannot be read in place.
func findInPackedArchive(ctx context.Context, file, tag string, opt Options) ([]*found, error) {
	open := func(context.Context) (io.ReadCloser, error) {
		f, _, err := openRegular(file)
		return f, err
	}
	f, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return findInStream(ctx, f, tag, opt, open)
}

// split separates the path of an image on disk from the ":tag" or "@digest" behind it: the longest part that exists.
func split(name string) (file, tag string) {
	for end := len(name); end > 0; end = strings.LastIndexAny(name[:end], ":@") {
		if _, err := os.Stat(name[:end]); err == nil {
			return name[:end], strings.TrimLeft(name[end:], ":@")
		}
	}
	if i := strings.LastIndexAny(name, ":@"); i > 0 && !strings.Contains(name[i:], "/") {
		return name[:i], name[i+1:]
	}
	return name, ""
}
