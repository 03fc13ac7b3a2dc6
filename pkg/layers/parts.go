package layers

import "io"

// parts is content in memory, in pieces of pieceSize of which the last is shorter: what is read at an unknown distance
// from its fate should not be copied once it is known.
type parts [][]byte

// readParts reads size bytes, each of them also written to seen.
func readParts(r io.Reader, size int64, seen *scan) (parts, error) {
	var all parts
	for size > 0 {
		p := rooms.Get().(*[pieceSize]byte)[:min(size, pieceSize)]
		all = append(all, p)
		if _, err := io.ReadFull(r, p); err != nil {
			all.free()
			return nil, err
		}
		_, _ = seen.Write(p)
		size -= int64(len(p))
	}
	return all, nil
}

// free gives the memory back. The parts must not be used afterwards.
func (p parts) free() {
	for _, part := range p {
		rooms.Put((*[pieceSize]byte)(part[:pieceSize]))
	}
}

// trim gives back what the last part has too much.
func (p parts) trim() parts {
	last := p[len(p)-1]
	p[len(p)-1] = append([]byte(nil), last...)
	parts{last}.free()
	return p
}

func (p parts) open(int64) (readAtCloser, error) { return memory{p}, nil }

// ReadAt is io.ReaderAt's.
func (p parts) ReadAt(b []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, errSeek
	}
	for n < len(b) {
		i := (offset + int64(n)) / pieceSize
		if i >= int64(len(p)) {
			return n, io.EOF
		}
		from := (offset + int64(n)) % pieceSize
		if from >= int64(len(p[i])) {
			return n, io.EOF
		}
		n += copy(b[n:], p[i][from:])
	}
	return n, nil
}
