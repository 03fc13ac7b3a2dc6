package repair

import (
	"cmp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// step is edits of one Dockerfile, sorted by place, with what it takes to find an old place in the new text.
type step []dockerfile.Edit

// newStep keeps the edits of the Dockerfile.
func newStep(edits []dockerfile.Edit) step {
	s := slices.DeleteFunc(slices.Clone(edits), func(e dockerfile.Edit) bool { return e.Path != "" })
	slices.SortStableFunc(s, func(a, b dockerfile.Edit) int {
		return cmp.Or(cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset), cmp.Compare(a.Span.End.Offset, b.Span.End.Offset))
	})
	return s
}

// moved is where the byte at an offset stands in the new text, -1 if it was replaced. What is inserted at its place stands
// before it.
func (s step) moved(offset int) int {
	shift := 0
	for _, e := range s {
		start, end := e.Span.Start.Offset, e.Span.End.Offset
		switch {
		case end <= offset:
			shift += len(e.New) - (end - start)
		case start < offset:
			return -1
		}
	}
	return offset + shift
}

// near is where an offset stands in the new text, or the text that took its place.
func (s step) near(offset int) int {
	for _, e := range s {
		if e.Span.Start.Offset < offset && offset < e.Span.End.Offset {
			return s.moved(e.Span.Start.Offset)
		}
	}
	return s.moved(offset)
}

// inserted reports whether an offset of the new text lies in what an edit put there.
func (s step) inserted(offset int) bool {
	shift := 0
	for _, e := range s {
		start := e.Span.Start.Offset + shift
		if start <= offset && offset < start+len(e.New) {
			return true
		}
		shift += len(e.New) - (e.Span.End.Offset - e.Span.Start.Offset)
	}
	return false
}

// touches reports whether an edit reaches into an instruction, or ends its last line. Whole lines put before it do not.
func (s step) touches(in *dockerfile.Instruction) bool {
	first, last := in.Span.Start.Offset, in.Span.End.Offset
	return slices.ContainsFunc(s, func(e dockerfile.Edit) bool {
		start, end := e.Span.Start.Offset, e.Span.End.Offset
		switch {
		case start == end && start == first:
			return !strings.Contains(e.New, "\n")
		case start == end && start == last:
			return !strings.HasPrefix(strings.TrimPrefix(e.New, "\r"), "\n")
		}
		return start < last && end > first || start == last || end == first
	})
}

// clash reports whether two edits cannot be applied together, or might be the same correction twice: they share bytes, or
// put the same text into the same file.
func clash(a, b dockerfile.Edit) bool {
	if a.Path != b.Path {
		return false
	}
	a0, a1, b0, b1 := a.Span.Start.Offset, a.Span.End.Offset, b.Span.Start.Offset, b.Span.End.Offset
	if a0 == a1 && b0 == b1 {
		return strings.TrimSpace(a.New) == strings.TrimSpace(b.New) || a.Span.IsZero() || b.Span.IsZero()
	}
	return a0 < b1 && b0 < a1 || a0 == b0
}
