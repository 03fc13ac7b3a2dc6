package oracle

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestFixes applies every fix of the rules buildkit/NAME to every file: BuildKit makes the same image config of it, finds
// nothing new, and no fix is offered again.
func TestFixes(t *testing.T) {
	var checks []*audit.Rule
	for _, r := range rules.All() {
		if strings.HasPrefix(r.ID, "buildkit/") {
			checks = append(checks, r)
		}
	}
	if len(checks) != 22 {
		t.Fatalf("%d checks, BuildKit has 22", len(checks))
	}
	files := corpus(t)
	fixed, edits := 0, 0
	for _, f := range append(files, mutate(files)...) {
		if n := fixFile(t, f, checks); n > 0 {
			fixed++
			edits += n
		}
	}
	t.Logf("%d files corrected by %d edits", fixed, edits)
	if fixed < 100 {
		t.Errorf("only %d files are corrected", fixed)
	}
}

// fixFile corrects one file until nothing is left, and gives the number of edits.
func fixFile(t *testing.T, f file, checks []*audit.Rule) int {
	t.Helper()
	before := input{source: f.source}
	before.given(t)
	before.base = richConfig(f.source)
	text, count := f.source, 0
	for pass := 0; ; pass++ {
		edits := fixes(t, text, before.args, checks)
		if len(edits) == 0 {
			break
		}
		if pass == 3 {
			t.Errorf("%s: fixes are offered again and again:\n%s", f.name, text)
			break
		}
		count += len(edits)
		var err error
		if text, err = dockerfile.Apply(text, edits); err != nil {
			t.Fatal(err)
		}
	}
	if count == 0 {
		return 0
	}
	after := before
	after.source = text
	a, sayA, errA := before.convert(t)
	b, sayB, errB := after.convert(t)
	if failed(errA) || failed(errB) {
		if failed(errA) != failed(errB) {
			t.Errorf("%s: BuildKit says %v before and %v after:\n%s", f.name, errA, errB, text)
		}
		return count
	}
	if len(sayB) > len(sayA) {
		t.Errorf("%s: something new is found: %v, before %v\n%s", f.name, sayB, sayA, text)
	}
	if a == nil || b == nil { // check=error=true
		return count
	}
	x, _ := json.Marshal(a.Image.Config)
	y, _ := json.Marshal(b.Image.Config)
	if string(x) != string(y) {
		t.Errorf("%s: the config changes:\n%s\n%s\n%s", f.name, x, y, text)
	}
	return count
}

func failed(err error) bool { return err != nil && !strings.HasPrefix(err.Error(), "lint violation") }

// fixes are the edits of all fixes that do not overlap.
func fixes(t *testing.T, source []byte, args map[string]string, checks []*audit.Rule) []dockerfile.Edit {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{BuildArgs: args})
	if err != nil {
		return nil
	}
	s := &audit.Subject{Dockerfile: f}
	s.Prepare()
	var edits []dockerfile.Edit
	for _, x := range audit.Run(s, checks).Findings {
		if x.Fix != nil && !slices.ContainsFunc(edits, func(e dockerfile.Edit) bool { return clash(e, x.Fix.Edits) }) {
			edits = append(edits, x.Fix.Edits...)
		}
	}
	slices.SortFunc(edits, func(a, b dockerfile.Edit) int { return cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset) })
	return edits
}

func clash(e dockerfile.Edit, others []dockerfile.Edit) bool {
	return slices.ContainsFunc(others, func(o dockerfile.Edit) bool {
		return e.Span.Start.Offset < o.Span.End.Offset && o.Span.Start.Offset < e.Span.End.Offset
	})
}
