package dockerfile

import (
	"cmp"
	"fmt"
	"slices"
)

// apply sorts a copy of the edits by place; insertions at one place keep their order, and stand before what replaces the
// bytes behind them.
func apply(src []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset), cmp.Compare(a.Span.End.Offset, b.Span.End.Offset))
	})
	out := make([]byte, 0, len(src))
	done := 0
	for _, e := range sorted {
		start, end := e.Span.Start.Offset, e.Span.End.Offset
		if start < 0 || start > end || end > len(src) {
			return nil, fmt.Errorf("applying edits: bytes %d to %d are not in a file of %d bytes", start, end, len(src))
		}
		if start < done {
			return nil, fmt.Errorf("applying edits: two edits overlap at byte %d", start)
		}
		out = append(append(out, src[done:start]...), e.New...)
		done = end
	}
	return append(out, src[done:]...), nil
}
