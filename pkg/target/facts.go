package target

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// factsKind is where the cache has what was read of executables. factsSchema changes with their form.
const (
	factsKind   = cache.Kind("programs")
	factsSchema = "1"
)

// facts is what reading an executable of an image tells.
type facts struct {
	Go     bool            `json:"go"`               // binary.IsGo
	Binary json.RawMessage `json:"binary,omitempty"` // of binary.EncodeFacts, absent if it was not read
	NotELF bool            `json:"notELF,omitempty"`
	// Damaged is why it cannot be read, "" if it can.
	Damaged string `json:"damaged,omitempty"`

	program *binary.Binary
}

// readFacts reads an executable, or takes what the cache has of it. One that is not wanted whatever its make is read
// only if Go built it.
func readFacts(store *cache.Store, root *layers.FS, e *layers.Entry, wanted bool) (*facts, error) {
	key := ""
	if origin := root.Origin(e.Path); origin != "" && store != nil {
		key = factsSchema + "\n" + origin + "\n" + e.Path
		if f := recall(store, key, wanted); f != nil {
			return f, nil
		}
	}
	file, err := openProgram(root, e, key != "")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &watched{r: file}
	f := &facts{Go: binary.IsGo(r, e.Size)}
	if f.Go || wanted {
		f.program, err = binary.Read(r, e.Size, e.Path)
		switch {
		case errors.Is(err, binary.ErrNotELF):
			f.NotELF = true
		case err != nil:
			f.Damaged = err.Error()
		}
	}
	if r.err == nil && key != "" {
		f.keep(store, key)
	}
	return f, nil
}

// recall takes facts from the cache, nil if it has not all that is wanted.
func recall(store *cache.Store, key string, wanted bool) *facts {
	data, ok := store.Get(factsKind, key)
	if !ok {
		return nil
	}
	var f facts
	if json.Unmarshal(data, &f) != nil || wanted && f.Binary == nil && !f.NotELF && f.Damaged == "" {
		return nil
	}
	if f.Binary != nil {
		var err error
		if f.program, err = binary.DecodeFacts(f.Binary); err != nil {
			return nil
		}
	}
	return &f
}

// keep puts facts into the cache.
func (f *facts) keep(store *cache.Store, key string) {
	var err error
	if f.program != nil {
		if f.Binary, err = binary.EncodeFacts(f.program); err != nil {
			return
		}
	}
	if data, err := json.Marshal(f); err == nil {
		store.Put(factsKind, key, data)
	}
}

// readerAt is an open file of an image.
type readerAt interface {
	io.ReaderAt
	io.Closer
}

// openProgram opens an executable, so that its bytes are not kept if the facts are.
func openProgram(root *layers.FS, e *layers.Entry, once bool) (readerAt, error) {
	open := root.Open
	if once {
		open = root.OpenOnce
	}
	f, err := open(e.Path[1:])
	if err != nil {
		return nil, err
	}
	r, ok := f.(interface {
		fs.File
		io.ReaderAt
	})
	if !ok {
		f.Close()
		return nil, errors.New("its bytes cannot be reached")
	}
	return r, nil
}

// watched remembers whether reading failed: what is then concluded of the bytes is not worth keeping.
type watched struct {
	r   io.ReaderAt
	err error
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
