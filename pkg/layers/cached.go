package layers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// What the cache keeps of layers, beside pages and packs. All of it is written only after a layer was read from its
// first byte to its last and found to have the digest and diffID that were promised.
const (
	indexKind cache.Kind = "layers" // an index, by diffID
	blobKind  cache.Kind = "blobs"  // what a stored layer unpacks to, by its digest
	fileKind  cache.Kind = "files"  // the digest of a file on disk, by what the system says of the file
)

// binding says what a blob holds.
type binding struct {
	DiffID string      `json:"diffID"`
	Size   int64       `json:"size"` // of the blob
	Form   compression `json:"form"`
}

func key(name string) string { return schema + "\n" + name }

// keep puts what was read of a layer into the cache.
func (o *origin) keep(f *facts) {
	store := o.memo.store
	if store == nil {
		return
	}
	p := packer{store: store, diffID: f.diffID, number: 1}
	for _, it := range f.items {
		if c, ok := it.content.(*remembered); ok && packs(&it.entry) {
			p.add(it, c)
		}
	}
	p.flush()
	x := index{stratum: f.stratum, tarSize: f.tarSize, entries: f.entries}
	data := x.encode()
	if data == nil {
		return
	}
	store.Put(indexKind, key(f.diffID), data)
	if b, err := json.Marshal(binding{f.diffID, f.size, f.form}); err == nil {
		store.Put(blobKind, key(f.digest), b)
	}
}

// recall gives what the cache has of a layer, nil if it has not all: what the blob holds, and the index.
func (s *stored) recall(ctx context.Context, l *Layer, o *origin) *facts {
	store := o.memo.store
	if _, ok := s.blob.(*passed); ok || store == nil { // what has passed was read already
		return nil
	}
	data, ok := store.Get(indexKind, key(l.DiffID))
	if !ok {
		return nil
	}
	b, bound := boundTo(store, s.Digest)
	if s.Digest != "" && (!bound || b.DiffID != l.DiffID || b.Size != s.Size) {
		return nil
	}
	digest := s.Digest
	var disk *fileBlob
	if d, ok := s.blob.(diskBlob); ok {
		if digest, disk = s.onDisk(ctx, d, o); digest == "" || context.Cause(ctx) != nil {
			return nil
		}
	}
	if s.Digest == "" {
		if b, bound = boundTo(store, digest); !bound || b.DiffID != l.DiffID {
			return nil
		}
	}
	if b.Form == plain {
		o.disk = disk
	}
	x, err := decodeIndex(data, o)
	if err != nil {
		o.disk = nil
		return nil
	}
	return &facts{stratum: x.stratum, digest: digest, diffID: b.DiffID, size: b.Size, tarSize: x.tarSize, entries: x.entries, form: b.Form}
}

// charge takes what a recalled layer weighs from the budget, as reading it would have.
func (f *facts) charge(left *budget) error {
	if err := left.unpack(f.tarSize); err != nil {
		return err
	}
	weight := int64(f.entries) * entryCost
	var extra *Extra
	for _, it := range f.items {
		weight += int64(len(it.entry.Path) + len(it.entry.Link) + len(it.hardlink))
		if x := it.entry.Extra; x != nil && x != extra {
			extra = x
			weight += x.weight()
		}
	}
	return left.hold(weight)
}

// boundTo says what a blob holds.
func boundTo(store *cache.Store, digest string) (b binding, ok bool) {
	if digest == "" {
		return binding{}, false
	}
	data, ok := store.Get(blobKind, key(digest))
	if !ok || json.Unmarshal(data, &b) != nil {
		return binding{}, false
	}
	return b, true
}

// settled is how long a file must have been left alone before its digest is remembered: one that changes again within
// a tick of the file system's clock looks the same.
const settled = 2 * time.Second

// onDisk returns the digest of a blob on disk and where it is, "" if it is not the one that was promised. What the
// manifest says of a file is not believed: it is hashed, unless the same file was before.
func (s *stored) onDisk(ctx context.Context, d diskBlob, o *origin) (string, *fileBlob) {
	b, err := d.onDisk()
	if err != nil || s.Digest != "" && b.size != s.Size {
		return "", nil
	}
	if known, ok := o.memo.store.Get(fileKind, key(b.identity())); ok && b.identity() != "" {
		if s.Digest != "" && string(known) != s.Digest {
			return "", nil
		}
		return string(known), b
	}
	r, f, err := b.section()
	if err != nil {
		return "", nil
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, &patient{ctx, r, o.count}, make([]byte, 256<<10)); err != nil {
		return "", nil
	}
	digest := "sha256:" + hex.EncodeToString(sum.Sum(nil))
	if s.Digest != "" && digest != s.Digest {
		return "", nil
	}
	o.noteFile(b, digest)
	return digest, b
}

// noteFile remembers the digest of a file, if it is still the file that it was when it was opened.
func (o *origin) noteFile(b *fileBlob, digest string) {
	name := b.identity()
	if name == "" || o.memo.store == nil {
		return
	}
	if _, changed := fileIdentity(b.was); time.Since(changed) < settled {
		return
	}
	if _, f, err := b.section(); err == nil {
		f.Close()
		o.memo.store.Put(fileKind, key(name), []byte(digest))
	}
}

// identity names a part of a file as it is: "" if the system does not say enough to tell it from what it was before.
func (b *fileBlob) identity() string {
	if b.was == nil {
		return ""
	}
	id, _ := fileIdentity(b.was)
	if id == "" {
		return ""
	}
	return fmt.Sprintf("%s\n%d\n%d", id, b.offset, b.size)
}
