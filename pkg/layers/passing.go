package layers

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"

	"github.com/klauspost/compress/zstd"
)

// Bounds of an archive that passes.
const (
	maxPassing   = 1 << 16  // entries
	maxDocuments = 32 << 20 // bytes of all JSON documents together
)

// passing is an archive of images that is read once, from its first byte to its last, as it comes through a pipe. Its
// manifest may come last, so every entry is read as what it looks like: a JSON document is kept, anything else is read
// as a layer. At the end the manifest says which of them are the image.
type passing struct {
	again     reopener // nil if the stream is gone once it was read
	documents map[string]passedDocument
	layers    map[string]*passed
	links     map[string]string
	kept      int64 // bytes of documents
	left      *budget
	programs  keptPrograms
}

// reopener gives a stream once more.
type reopener func(ctx context.Context) (io.ReadCloser, error)

// passedDocument is a JSON document, or why it was not kept.
type passedDocument struct {
	data []byte
	err  error
}

// passed is a layer that has passed: what reading it told, or why it could not be read as one.
type passed struct {
	facts *facts
	err   error
	name  string
	again reopener
	from  *origin // of its contents
}

// findInStream finds images in a stream of docker save or of an OCI layout, packed or not. again, if not nil, gives the
// same stream once more, for files that were not kept.
func findInStream(ctx context.Context, in io.Reader, tag string, opt Options, again reopener) ([]*found, error) {
	if in == nil {
		return nil, errNoStream
	}
	p := &passing{again: again, left: newBudget(), documents: map[string]passedDocument{}, layers: map[string]*passed{}, links: map[string]string{}}
	p.programs = keptPrograms{left: p.left, whole: maxPassingProgram}
	p.left.programs.Store(keepPassing)
	if err := p.readOnce(ctx, in); err != nil {
		return nil, err
	}
	return p.find(ctx, tag, opt.Platform)
}

// readOnce reads the stream. A context that ends ends a read that hangs, too.
func (p *passing) readOnce(ctx context.Context, in io.Reader) error {
	r, stop := interruptible(ctx, in)
	defer stop()
	return eachMember(r, func(h *tar.Header, body *bufio.Reader) error { return p.take(ctx, h, body) })
}

// interruptible is a reader whose reads end with the context, even those that hang.
func interruptible(ctx context.Context, in io.Reader) (r io.Reader, stop func()) {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{pw}, struct{ io.Reader }{in}, make([]byte, 256<<10))
		pw.CloseWithError(err)
	}()
	after := context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	return pr, func() {
		after()
		pr.Close()
	}
}

// eachMember calls do for every entry of an archive that may be packed, and reads on to the end of the stream.
func eachMember(in io.Reader, do func(*tar.Header, *bufio.Reader) error) error {
	stored := &counted{Reader: in}
	z, form, err := decompress(stored)
	if err != nil {
		return err
	}
	defer z.Close()
	archive := &counted{Reader: z}
	if form != plain {
		archive.from = stored
	}
	tr := tar.NewReader(archive)
	body := bufio.NewReaderSize(nil, 64<<10)
	for count := 0; ; count++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err == nil && count >= maxPassing {
			err = limitError("archive", maxPassing, "entries")
		}
		if errors.Is(err, tar.ErrHeader) && count == 0 {
			err = fmt.Errorf("not a tar: %w", ErrNotImage)
		}
		if err != nil {
			return err
		}
		body.Reset(tr)
		if err := do(h, body); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, archive) // so that a stream that is cut off in its padding is known to be
	return err
}

// counted counts what is read, and refuses an archive of which implausibly many bytes come out.
type counted struct {
	io.Reader
	n    int64
	from *counted // what it is unpacked from, nil if it is not packed
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	switch {
	case c.from == nil:
	case c.n > maxImageSize:
		return n, limitError("packed archive", maxImageSize, "bytes")
	case c.n > bombSize && c.n/maxRatio > c.from.n:
		return n, limitError("packed archive", maxRatio, "bytes for each one stored")
	}
	return n, err
}

// memberName is the name of an entry as the manifests write it.
func memberName(name string) string { return path.Clean("/" + name)[1:] }

// take reads one entry.
func (p *passing) take(ctx context.Context, h *tar.Header, body *bufio.Reader) error {
	name := memberName(h.Name)
	switch {
	case h.Typeflag == tar.TypeSymlink:
		p.links[name] = path.Join("/", path.Dir(name), h.Linkname)[1:]
	case h.Typeflag == tar.TypeLink:
		p.links[name] = memberName(h.Linkname)
	case h.Typeflag != tar.TypeReg || sparse(h):
	default:
		head, err := body.Peek(int(min(h.Size, 512)))
		if err != nil {
			return err
		}
		if isDocument(head) {
			return p.takeDocument(name, h.Size, body)
		}
		p.takeLayer(ctx, name, body)
	}
	return context.Cause(ctx)
}

// isDocument tells a JSON document from a tar, whose first file may be called "{".
func isDocument(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n")
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	return len(head) < 262 || string(head[257:262]) != "ustar"
}

func (p *passing) takeDocument(name string, size int64, body io.Reader) error {
	switch {
	case size > maxConfig:
		p.documents[name] = passedDocument{err: limitError(printable(name), maxConfig, "bytes")}
		return nil
	case p.kept+size > maxDocuments:
		p.documents[name] = passedDocument{err: limitError("documents of the archive", maxDocuments, "bytes")}
		return nil
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(body, data); err != nil {
		return err
	}
	p.kept += size
	p.documents[name] = passedDocument{data: data}
	return nil
}

// takeLayer reads an entry as a layer. Whether it is one is asked when an image wants it.
func (p *passing) takeLayer(ctx context.Context, name string, body *bufio.Reader) {
	layer := &passed{name: name, again: p.again, from: newOrigin()}
	again := &replay{blob: layer, once: p.again == nil, programs: &p.programs}
	if head, _ := body.Peek(zstd.HeaderMaxSize); wideFrame(head) {
		defer debug.FreeOSMemory() // there is no room for this window and the next one
	}
	layer.facts, layer.err = readPassing(ctx, io.NopCloser(body), again, -1, p.left, layer.from)
	p.layers[name] = layer
}

// open gives the layer of a stream that can be had again.
func (p *passed) open(ctx context.Context) (io.ReadCloser, error) {
	if p.again == nil {
		return nil, errPassed
	}
	stream, err := p.again(ctx)
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	go func() {
		defer stream.Close()
		err := eachMember(stream, func(h *tar.Header, body *bufio.Reader) error {
			if memberName(h.Name) != p.name || h.Typeflag != tar.TypeReg {
				return nil
			}
			if _, err := io.Copy(pw, body); err != nil {
				return err
			}
			return errFound
		})
		if err == nil {
			err = fmt.Errorf("%w: %s", ErrNotFound, printable(p.name))
		}
		if err == errFound {
			err = nil
		}
		pw.CloseWithError(err)
	}()
	return pr, nil
}

var (
	errPassed   = errors.New("it came through a pipe and cannot be read again")
	errFound    = errors.New("found")
	errNoStream = errors.New("no stream was given")
	errNeither  = fmt.Errorf("a tar with neither manifest.json nor index.json: %w", ErrNotImage)
)

// find finds the image with a tag in what has passed.
func (p *passing) find(ctx context.Context, tag, platform string) (list []*found, err error) {
	source := DockerArchive
	switch {
	case p.has("manifest.json"):
		list, err = findSaved(p, tag)
	case p.has("index.json"):
		source = OCIArchive
		var index []byte
		if index, err = p.read("index.json", maxManifest); err == nil {
			list, err = findInLayout(ctx, p, index, tag, platform)
		}
	default:
		err = errNeither
	}
	for _, f := range list {
		f.source = source
	}
	return list, err
}

func (p *passing) has(name string) bool { _, ok := p.documents[name]; return ok }

// member follows links; docker save stores a layer that occurs twice as a link.
func (p *passing) member(name string) string {
	name = memberName(name)
	for range 8 {
		to, ok := p.links[name]
		if !ok {
			break
		}
		name = to
	}
	return name
}

func (p *passing) read(name string, limit int64) ([]byte, error) {
	d, ok := p.documents[p.member(name)]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %s", ErrNotFound, printable(name))
	case d.err != nil:
		return nil, d.err
	case int64(len(d.data)) > limit:
		return nil, limitError(printable(name), limit, "bytes")
	}
	return d.data, nil
}

func (p *passing) layer(name string) (blob, int64) {
	name = p.member(name)
	if l, ok := p.layers[name]; ok && l.err == nil {
		return l, l.facts.size
	} else if ok {
		return l, -1
	}
	if d, ok := p.documents[name]; ok && d.err == nil {
		return keptBlob(d.data), int64(len(d.data))
	}
	return missingBlob{name}, -1
}

// document and blob make a stream of an OCI layout a store.
func (p *passing) document(_ context.Context, d descriptor, limit int64) ([]byte, error) {
	return p.read(blobName(d), limit)
}

func (p *passing) blob(d descriptor) blob {
	b, _ := p.layer(blobName(d))
	return b
}

// keptBlob is a blob in memory.
type keptBlob []byte

func (b keptBlob) open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b)), nil
}
