package audit_test

import (
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestYields lets two rules report two places of which one overlaps.
func TestYields(t *testing.T) {
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM a\nENV A=1 B=2\nUSER x\n"), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f}
	s.Prepare()
	env, user := f.Stages[0].Instructions[0], f.Stages[0].Instructions[1]
	rule := func(id string, yields []string, spans ...dockerfile.Span) *audit.Rule {
		return &audit.Rule{ID: id, Severity: audit.Note, Yields: yields, Check: func(p *audit.Pass) {
			for _, at := range spans {
				fix := &audit.Fix{Title: "Remove it", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: at}}}
				p.Report(p.BlameSpan(env, at).Of(audit.Finding{Message: f.Text(at), Fix: fix}))
			}
		}}
	}
	other := rule("other", []string{"none", "own"}, env.Words[0].Span, env.Words[1].Span, user.Span)
	own := rule("own", nil, env.Words[1].Span, dockerfile.Span{Start: user.Span.Start, End: user.Span.End})
	got := map[string]string{}
	for _, x := range audit.Run(s, []*audit.Rule{other, own}).Findings {
		if x.Rule == "other" {
			got[x.Message] = x.SameAs
			if (x.Fix == nil) != (x.SameAs != "") {
				t.Errorf("%s: same as %q, fix %v", x.Message, x.SameAs, x.Fix)
			}
		}
	}
	if len(got) != 3 || got["A=1"] != "" || got["B=2"] != "own" || got["USER x"] != "own" {
		t.Errorf("got %q", got)
	}
}
