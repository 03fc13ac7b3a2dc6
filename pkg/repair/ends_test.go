package repair_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
)

// TestCorrectEnds: a text that can be corrected without end is left after a bounded time.
func TestCorrectEnds(t *testing.T) {
	growing := &audit.Rule{ID: "growing", Severity: audit.Warning, Check: func(p *audit.Pass) {
		src := p.Dockerfile.Source
		n := bytes.Count(src, []byte("ENV"))
		p.Report(audit.Finding{
			Message: fmt.Sprintf("there are %d", n),
			Fix: &audit.Fix{Title: "Add one", Safety: audit.Safe, Edits: []dockerfile.Edit{{
				Span: dockerfile.Span{Start: position(src, len(src)), End: position(src, len(src))}, New: fmt.Sprintf("ENV X%d=1\n", n)}}},
		})
	}}
	want := "left growing: it would introduce growing: there are 5\n"
	if got := outcome(t, subject(t, "FROM a\n", nil), repair.Options{}, growing); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	many := "FROM a\n" + strings.Repeat("ENV X=1\n", 1500)
	got, err := repair.Correct(subject(t, many, nil), []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe)}, repair.Options{})
	if err != nil || len(got.Applied) != 1500 {
		t.Errorf("%d of 1500 applied: %v", len(got.Applied), err)
	}
}
