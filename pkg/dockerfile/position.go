package dockerfile

import "sort"

// lineTable knows where each physical line of a source begins, so that a byte offset becomes a Position.
type lineTable struct {
	starts []int // offset of the first byte of each line; starts[0] is 0
	size   int   // length of the source
}

// newLineTable indexes src. A line ends with '\n'; a lone '\r' ends none, as in BuildKit's scanner.
func newLineTable(src []byte) *lineTable {
	t := &lineTable{starts: []int{0}, size: len(src)}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// position gives the Position of a byte offset.
func (t *lineTable) position(offset int) Position {
	line := sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > offset })
	return Position{Line: line, Column: offset - t.starts[line-1] + 1, Offset: offset}
}

// span gives the Span of the bytes [start, end).
func (t *lineTable) span(start, end int) Span {
	return Span{Start: t.position(start), End: t.position(end)}
}

// bounds gives the bytes [start, end) of line n (from 1), its newline included; both are the end of the source for a
// line that does not exist.
func (t *lineTable) bounds(n int) (start, end int) {
	if n < 1 || n > len(t.starts) {
		return t.size, t.size
	}
	if n == len(t.starts) {
		return t.starts[n-1], t.size
	}
	return t.starts[n-1], t.starts[n]
}
