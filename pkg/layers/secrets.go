package layers

import (
	"io"
	"path"
	"slices"

	"github.com/imgaudit/imgaudit/internal/secret"
)

// Secret is a secret that some layer holds: what it looks like and where it is, never its value.
type Secret struct {
	Shape  string `json:"shape"`  // "private key", "GitHub token"; internal/secret has the table
	Offset int64  `json:"offset"` // in the file, bytes
	Path   string `json:"path"`   // rooted, as its layer has it
	Layer  int    `json:"layer"`  // the layer that holds it
	// Hidden is the layer that deleted or overwrote the file, by its last name, so that the merged tree does not show it;
	// -1 if it does. The bytes are in the image all the same.
	Hidden int `json:"hidden"`
}

// sighting is a secret in a file. It is a fact of a layer, kept in item, and as such in every copy of a layer's facts.
type sighting struct {
	Shape  string
	Offset int64
}

// Bounds of the search for secrets. A layer with more than maxFinds is not searched further, and FS.SecretsCut says so.
// ELF files are not searched here: programs are read by pkg/binary, and nobody edits a credential into a library.
// What is compressed inside a file (an archive in the image, a .gz) is not seen.
const (
	maxFinds   = 4096     // in a layer
	maxInFile  = 64       // in a file; those behind are of the same file
	searchPart = 64 << 10 // bytes of a file searched at a time
)

// searcher finds the secrets in the files of one layer, in memory that does not grow with them. Its zero value is ready.
type searcher struct {
	found int
	part  []byte
}

// cut says whether a layer has more secrets than are kept.
func (s *stratum) cut() bool {
	n := 0
	for i := range s.items {
		n += len(s.items[i].finds())
	}
	return n >= maxFinds
}

// whole searches a file that is in memory.
func (s *searcher) whole(name string, data []byte) []sighting {
	var finds []sighting
	s.search(&finds, data, len(data), 0)
	return s.inFile(finds, name, data)
}

// stream searches a file while it is read, head having been read before, and writes all of it to out.
func (s *searcher) stream(name string, head []byte, size int64, body io.Reader, out io.Writer) ([]sighting, error) {
	if size <= secret.Largest && secret.Keeps(path.Clean("/"+name)) {
		data := make([]byte, size)
		copy(data, head)
		if _, err := io.ReadFull(body, data[len(head):]); err != nil {
			return nil, err
		}
		_, err := out.Write(data)
		return s.whole(name, data), err
	}
	if s.part == nil {
		s.part = make([]byte, searchPart+secret.Reach)
	}
	var finds []sighting
	kept := copy(s.part, head)
	from, written := int64(0), 0
	for {
		n, err := io.ReadFull(body, s.part[kept:])
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return nil, err
		}
		text := s.part[:kept+n]
		if _, err := out.Write(text[written:]); err != nil {
			return nil, err
		}
		if end {
			s.search(&finds, text, len(text), from)
			if from+int64(len(text)) != size {
				return nil, io.ErrUnexpectedEOF
			}
			return finds, nil
		}
		s.search(&finds, text, searchPart, from)
		kept = copy(s.part, text[searchPart:])
		from, written = from+searchPart, kept
	}
}

// note gives an item the secrets that were found in it.
func (it *item) note(finds []sighting) {
	if len(finds) > 0 {
		it.secrets = &finds
	}
}

// finds are the secrets in an item.
func (it *item) finds() []sighting {
	if it.secrets == nil {
		return nil
	}
	return *it.secrets
}

// search notes the secrets that begin in the first n bytes of a text, which stands at an offset of its file.
func (s *searcher) search(finds *[]sighting, text []byte, n int, offset int64) {
	secret.Find(text, n, func(shape string, at int) {
		last := len(*finds) - 1
		if last >= 0 && (*finds)[last].Offset >= offset+int64(at) {
			return
		}
		s.note(finds, sighting{shape, offset + int64(at)})
	})
}

// inFile adds the credential of a file that keeps credentials, if nothing that opens something was found in it.
func (s *searcher) inFile(finds []sighting, name string, data []byte) []sighting {
	if !slices.ContainsFunc(finds, func(x sighting) bool { return x.Shape != secret.AWSKeyID }) {
		if f, ok := secret.InFile(path.Clean("/"+name), data); ok {
			s.note(&finds, sighting{f.Shape, f.Offset})
		}
	}
	return finds
}

func (s *searcher) note(finds *[]sighting, f sighting) {
	if s.found < maxFinds && len(*finds) < maxInFile {
		s.found++
		*finds = append(*finds, f)
	}
}

// Secrets returns the secrets of all layers, by layer, then in the order of its tar; also those in files that a later
// layer deletes or overwrites.
func (f *FS) Secrets() []Secret {
	var all []Secret
	for _, h := range f.tree.finds {
		hidden := -1
		if h.inode.names == 0 {
			hidden = h.inode.by
		}
		for _, x := range h.finds {
			all = append(all, Secret{Shape: x.Shape, Offset: x.Offset, Path: h.path, Layer: h.inode.layer, Hidden: hidden})
		}
	}
	return all
}

// SecretsCut returns the layers that hold more secrets than are kept, and were not searched to their end.
func (f *FS) SecretsCut() []int { return append([]int(nil), f.tree.cut...) }

// holder is a file with secrets.
type holder struct {
	path  string
	inode *inode
	finds []sighting
}
