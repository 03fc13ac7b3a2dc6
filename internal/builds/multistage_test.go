package builds

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
)

// TestMultiStage builds, runs and audits every Dockerfile of one stage that is split, and the two stages it becomes: they do
// the same, the image is smaller, single-stage is not said any more and nothing else is said that was not.
func TestMultiStage(t *testing.T) {
	l := need(t)
	files, err := filepath.Glob("../../pkg/repair/testdata/multistage/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		after := section(a, "want.Dockerfile")
		if after == nil {
			continue // it is refused
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, after, _ = bytes.Cut(after, []byte("\n")) // the safety
			l.splitStages(t, a, after)
		})
	}
}

// splitStages builds a case as it is and as it is planned, and compares.
func (l *rig) splitStages(t *testing.T, a *txtar.Archive, after []byte) {
	dir, before := t.TempDir(), section(a, "Dockerfile")
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "want.") {
			write(t, dir, f.Name, f.Data)
		}
	}
	if strings.Contains(string(a.Comment), "CRLF") {
		before, after = crlf(before), crlf(after)
	}
	before, after = withoutSyntax(before), withoutSyntax(after)
	downloadModules(t, dir)
	was, had, large := l.whole(t, "as it is", before, dir)
	is, has, small := l.whole(t, "as planned", after, dir)
	if was != is {
		t.Errorf("it says %+v, and said %+v", is, was)
	}
	if small >= large/2 {
		t.Errorf("the image has %d bytes, and had %d", small, large)
	}
	if had["single-stage"] == 0 {
		t.Error("the file as it is has no finding single-stage")
	}
	for rule, n := range has {
		if n > had[rule] || rule == "single-stage" {
			t.Errorf("%s is said %d times, and was said %d times\n%s", rule, n, had[rule], after)
		}
	}
}

// whole builds, runs and audits: what the program does, the errors and warnings by rule, and the image's size.
func (l *rig) whole(t *testing.T, when string, file []byte, context string) (o outcome, found map[string]int, size int64) {
	t.Helper()
	image, words := l.archive(t, lab.Build{Dockerfile: file, Context: context})
	if words != "" {
		t.Fatalf("%s: %s\n%s", when, words, file)
	}
	found = map[string]int{}
	for _, f := range l.audit(t, image, file, context) {
		if f.Severity != audit.Note {
			found[f.Rule]++
		}
	}
	fi, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	o = l.start(t, image)
	if o.code != 0 {
		t.Errorf("%s: exit code %d: %s", when, o.code, o.output)
	}
	return o, found, fi.Size()
}

// withoutSyntax takes the syntax directive away, which names an image that no registry here has.
func withoutSyntax(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("# syntax=")) {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return text
}

func crlf(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }
