package repair

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// instructions lists all of a file, in its order.
func instructions(f *dockerfile.File) []*dockerfile.Instruction {
	all := slices.Clone(f.MetaArgs)
	for _, s := range f.Stages {
		all = append(append(all, s.From), s.Instructions...)
	}
	return all
}

// pair finds for each instruction of the old text the one of the new text that begins at the same place. One that was
// taken out has none, though the next one now begins where it began.
func (s step) pair(old, new *dockerfile.File) map[*dockerfile.Instruction]*dockerfile.Instruction {
	at := map[int]*dockerfile.Instruction{}
	for _, in := range instructions(new) {
		at[in.Span.Start.Offset] = in
	}
	pairs := map[*dockerfile.Instruction]*dockerfile.Instruction{}
	for _, touched := range []bool{false, true} {
		for _, in := range instructions(old) {
			place := s.moved(in.Span.Start.Offset)
			if now := at[place]; now != nil && s.touches(in) == touched {
				pairs[in] = now
				delete(at, place)
			}
		}
	}
	return pairs
}

// kept says what of the old text was lost though no edit is for it, "" if nothing: an instruction outside the edits must
// read as before, no other may come up outside of what was inserted, and directives stay.
func (s step) kept(old, new *dockerfile.File, pairs map[*dockerfile.Instruction]*dockerfile.Instruction) string {
	if old.Escape != new.Escape || old.Syntax != new.Syntax {
		return "it would change a parser directive"
	}
	known := map[*dockerfile.Instruction]bool{}
	for _, in := range instructions(old) {
		now := pairs[in]
		known[now] = true
		if !s.touches(in) && (now == nil || !reads(in, now)) {
			return fmt.Sprintf("line %d, which it is not for, would read differently", in.Span.Start.Line)
		}
	}
	for _, in := range instructions(new) {
		if !known[in] && !s.inserted(in.Span.Start.Offset) {
			return fmt.Sprintf("its line %d would be read as %s", in.Span.Start.Line, in.Keyword)
		}
	}
	return ""
}

// reads reports whether two instructions are the same to a builder.
func reads(a, b *dockerfile.Instruction) bool {
	return a.Keyword == b.Keyword && a.JSON == b.JSON && a.Text == b.Text && a.OnBuild == b.OnBuild &&
		slices.EqualFunc(a.Flags, b.Flags, func(x, y dockerfile.Flag) bool { return x.Name == y.Name && x.Value == y.Value }) &&
		slices.EqualFunc(a.Words, b.Words, func(x, y dockerfile.Word) bool { return x.Value == y.Value }) &&
		slices.EqualFunc(a.Heredocs, b.Heredocs, func(x, y dockerfile.Heredoc) bool {
			return x.Name == y.Name && x.Content == y.Content && x.Expand == y.Expand
		})
}

// lostComment is a comment line that the old text has more often than the new one, "" if there is none. Comment lines of
// here-documents count too.
func lostComment(old, new []byte) string {
	have := map[string]int{}
	for _, c := range comments(new) {
		have[c]++
	}
	for _, c := range comments(old) {
		if have[c]--; have[c] < 0 {
			return c
		}
	}
	return ""
}

// comments lists the comment lines of a text, without the white space around them.
func comments(src []byte) []string {
	var out []string
	for line := range bytes.Lines(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))) {
		if c := strings.TrimSpace(string(line)); strings.HasPrefix(c, "#") {
			out = append(out, c)
		}
	}
	return out
}
