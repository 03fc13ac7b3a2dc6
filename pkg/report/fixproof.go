package report

import (
	"fmt"
	"io"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// FixProof is the proof of one correction: what was built and run before and after it.
type FixProof struct {
	Dockerfile    string
	Before, After *audit.Proof
	Refused       []string // why the correction is not proven, nil if it is
}

// Text writes the proof for people: each condition before and after, and what follows.
func (f FixProof) Text(w io.Writer, opt TextOptions) error {
	t := &text{paint: paint(opt.Color), opt: opt}
	t.line("%s: the correction was %s; the original in %.1f s", t.bold(printable(f.Dockerfile)), printable(withWhat(f.After)), f.Before.Seconds)
	t.beforeAfter("build", builtLine(f.Before), builtLine(f.After))
	for _, now := range f.After.Steps {
		before := "not run"
		for _, was := range f.Before.Steps {
			if was.Name == now.Name {
				before = stepLine(&was)
			}
		}
		t.beforeAfter(now.Name, before, stepLine(&now))
	}
	if f.Refused == nil {
		t.line("  %s what was corrected is gone, and what went well still does", t.green("proven:"))
	}
	for _, because := range f.Refused {
		t.line("  %s %s", t.red("not proven:"), printable(oneLine(because)))
	}
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	return nil
}

func (t *text) beforeAfter(name, before, after string) {
	t.line("  %s", t.bold(name))
	t.line("    before: %s", printable(oneLine(before)))
	t.line("    after:  %s", printable(oneLine(after)))
}

func builtLine(p *audit.Proof) string {
	if p.Build == nil {
		return "not built"
	}
	return p.Build.Because
}

func stepLine(s *audit.Step) string {
	if s.Outcome == audit.OutcomeHolds {
		return s.Because
	}
	return string(s.Outcome) + ": " + s.Because
}
