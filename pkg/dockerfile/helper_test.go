package dockerfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// mustParse parses a Dockerfile that must be right.
func mustParse(t testing.TB, src string, opt ...dockerfile.Options) *dockerfile.File {
	t.Helper()
	var o dockerfile.Options
	if len(opt) > 0 {
		o = opt[0]
	}
	f, err := dockerfile.Parse("Dockerfile", []byte(src), o)
	if err != nil {
		t.Fatalf("parsing:\n%s\n%v", src, err)
	}
	return f
}

// writer gives a function that writes files below a directory.
func writer(t testing.TB, dir string) func(name, content string) {
	return func(name, content string) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// all gives every instruction of a file in order.
func all(f *dockerfile.File) []*dockerfile.Instruction {
	list := append([]*dockerfile.Instruction(nil), f.MetaArgs...)
	for _, s := range f.Stages {
		list = append(append(list, s.From), s.Instructions...)
	}
	return list
}

// texts gives the source text of spans, joined by " | ".
func texts(f *dockerfile.File, spans ...dockerfile.Span) string {
	var out []string
	for _, s := range spans {
		out = append(out, f.Text(s))
	}
	return strings.Join(out, " | ")
}

func wordSpans(words []dockerfile.Word) []dockerfile.Span {
	var spans []dockerfile.Span
	for _, w := range words {
		spans = append(spans, w.Span)
	}
	return spans
}

func values(words []dockerfile.Word) string {
	var out []string
	for _, w := range words {
		out = append(out, w.Value)
	}
	return strings.Join(out, " | ")
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
