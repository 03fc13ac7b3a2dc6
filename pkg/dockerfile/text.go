package dockerfile

import (
	"sort"
	"strings"
)

// text is a string with the place in the source where each of its bytes stands: BuildKit joins continued lines, so what
// it sees is made of pieces of the file.
type text struct {
	s      string
	pieces []piece // ordered by at
	table  *lineTable
}

// piece says that s[at:at+n] are the bytes src[from:from+n] of the source. Bytes of s in no piece were put in by us.
type piece struct{ at, from, n int }

// slice is t.s[a:b] with its places.
func (t *text) slice(a, b int) *text {
	sub := &text{s: t.s[a:b], table: t.table}
	for _, p := range t.pieces {
		lo, hi := max(p.at, a), min(p.at+p.n, b)
		if lo < hi {
			sub.pieces = append(sub.pieces, piece{at: lo - a, from: p.from + lo - p.at, n: hi - lo})
		}
	}
	return sub
}

// start is the source offset where the byte at i stands; the next one that stands there if i was inserted.
func (t *text) start(i int) int {
	k := sort.Search(len(t.pieces), func(k int) bool { return t.pieces[k].at+t.pieces[k].n > i })
	switch {
	case k < len(t.pieces):
		p := t.pieces[k]
		return p.from + max(i-p.at, 0)
	case len(t.pieces) > 0:
		p := t.pieces[len(t.pieces)-1]
		return p.from + p.n
	}
	return 0
}

// end is the source offset behind the last byte before i.
func (t *text) end(i int) int {
	k := sort.Search(len(t.pieces), func(k int) bool { return t.pieces[k].at >= i })
	if k == 0 {
		return t.start(0)
	}
	p := t.pieces[k-1]
	return p.from + min(i-p.at, p.n)
}

// span is the Span of t.s[a:b]: from where its first byte stands to behind its last one, continuations between them
// included. An empty range stands behind the byte before it.
func (t *text) span(a, b int) Span {
	if len(t.pieces) == 0 {
		return Span{}
	}
	from := t.start(a)
	if a == b {
		from = t.end(a)
	}
	return t.table.span(from, max(from, t.end(b)))
}

// textBuilder makes a text.
type textBuilder struct {
	b      strings.Builder
	pieces []piece
	table  *lineTable
}

// add appends src[from:to].
func (t *textBuilder) add(src []byte, from, to int) {
	if from >= to {
		return
	}
	t.place(piece{at: t.b.Len(), from: from, n: to - from})
	t.b.Write(src[from:to])
}

// place records a piece, joined to the one before if the bytes follow each other in the source too.
func (t *textBuilder) place(p piece) {
	if k := len(t.pieces) - 1; k >= 0 {
		last := &t.pieces[k]
		if last.at+last.n == p.at && last.from+last.n == p.from {
			last.n += p.n
			return
		}
	}
	t.pieces = append(t.pieces, p)
}

// insert appends bytes that do not stand in the source.
func (t *textBuilder) insert(s string) { t.b.WriteString(s) }

// concat appends another text.
func (t *textBuilder) concat(o *text) {
	for _, p := range o.pieces {
		t.place(piece{at: t.b.Len() + p.at, from: p.from, n: p.n})
	}
	t.b.WriteString(o.s)
}

// text is what was appended so far.
func (t *textBuilder) text() *text { return &text{s: t.b.String(), pieces: t.pieces, table: t.table} }

// ranges are the ranges of the source where t.s[a:b] stands, in order.
func (t *text) ranges(a, b int) []token {
	var out []token
	for _, p := range t.pieces {
		if lo, hi := max(p.at, a), min(p.at+p.n, b); lo < hi {
			out = append(out, token{p.from + lo - p.at, p.from + hi - p.at})
		}
	}
	return out
}
