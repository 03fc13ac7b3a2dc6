package layers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestDirectoryIsAMap does the same at random to a directory and to a map.
func TestDirectoryIsAMap(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		d, m, tr := &directory{}, map[string]*node{}, newTree()
		for range dice.IntN(200) {
			name := fmt.Sprint(dice.IntN(60))
			if dice.IntN(3) == 0 {
				d.remove(name)
				delete(m, name)
			} else {
				m[name] = tr.newNode(&item{entry: Entry{Path: "/dir/" + name}})
				d.put(m[name])
			}
			for n := range 60 {
				if name := fmt.Sprint(n); d.get(name) != m[name] {
					t.Fatalf("%s: %v, want %v", name, d.get(name), m[name])
				}
			}
		}
		var want, got []string
		for name := range m {
			want = append(want, name)
		}
		for _, n := range d.all() {
			got = append(got, n.name())
		}
		slices.Sort(want)
		if !slices.Equal(got, want) || d.count != len(m) {
			t.Fatalf("%q, %d, want %q", got, d.count, want)
		}
	}
}

// TestReadAhead reads and seeks through pieces and compares with the bytes themselves; every byte is used once.
func TestReadAhead(t *testing.T) {
	data := make([]byte, 3*pieceSize+12345)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	dice := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		var used []byte
		a := readAhead(bytes.NewReader(data), func(p []byte) error { used = append(used, p...); return nil })
		for at := 0; at < len(data); {
			n := min(1+dice.IntN(400_000), len(data)-at)
			if dice.IntN(2) == 0 {
				if to, err := a.Seek(int64(n), io.SeekCurrent); err != nil || to != int64(at+n) {
					t.Fatalf("seek to %d: %d, %v", at+n, to, err)
				}
			} else {
				b := make([]byte, n)
				if _, err := io.ReadFull(a, b); err != nil || !bytes.Equal(b, data[at:at+n]) {
					t.Fatalf("read at %d: %v", at, err)
				}
			}
			at += n
		}
		if _, err := a.Seek(1, io.SeekCurrent); err != io.ErrUnexpectedEOF {
			t.Fatalf("seek behind the end: %v", err)
		}
		if err := a.drain(); err != nil || !bytes.Equal(used, data) {
			t.Fatalf("drain: %v, %d bytes used", err, len(used))
		}
		a.Close()
	}
	broken := errors.New("broken")
	a := readAhead(io.MultiReader(strings.NewReader("ab"), failing{broken}), func([]byte) error { return nil })
	if got, err := io.ReadAll(a); string(got) != "ab" || err != broken {
		t.Errorf("%q, %v", got, err)
	}
	a.Close()
	refused := errors.New("refused")
	a = readAhead(bytes.NewReader(data), func([]byte) error { return refused })
	if got, err := io.ReadAll(a); len(got) != 0 || err != refused {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	a.Close()
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestScanFindsTheMagicAnywhere cuts a file at every place around the magic.
func TestScanFindsTheMagicAnywhere(t *testing.T) {
	text := strings.Repeat("x", 20) + goMagic + strings.Repeat("y", 20)
	for cut := range len(text) {
		for step := 1; step < 30; step++ {
			s := newScan(true)
			_, _ = s.Write([]byte(text[:cut]))
			for rest := []byte(text[cut:]); len(rest) > 0; rest = rest[min(step, len(rest)):] {
				_, _ = s.Write(rest[:min(step, len(rest))])
			}
			if !s.found {
				t.Fatalf("not found, cut at %d, then every %d", cut, step)
			}
		}
	}
	s := newScan(true)
	_, _ = s.Write([]byte(goMagic[:8]))
	_, _ = s.Write([]byte(goMagic[9:]))
	if s.found {
		t.Error("found what is not there")
	}
}

func TestImplausibleRatio(t *testing.T) {
	for _, c := range []struct {
		out, in int64
		ok      bool
	}{{bombSize, 1, true}, {bombSize + maxRatio, bombSize / maxRatio, false}, {bombSize + maxRatio, bombSize/maxRatio + 1, true}} {
		if err := plausible(c.out, c.in); (err == nil) != c.ok {
			t.Errorf("%d bytes of %d: %v", c.out, c.in, err)
		}
	}
}
