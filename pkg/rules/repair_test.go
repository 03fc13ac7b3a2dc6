package rules_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// service is a subject that can be made again with other texts.
type service struct {
	name string
	make func(t *testing.T, files []repair.File) *audit.Subject
}

// services are those of every case that has a Dockerfile, and of the good Dockerfiles.
func services(t *testing.T) []service {
	t.Helper()
	var out []service
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if c := parseCase(t, file, data); c.sections["Dockerfile"] == nil || c.subject(t, c.sections["Dockerfile"]).Dockerfile == nil {
			continue // there is none, or one that does not parse
		}
		out = append(out, service{file, func(t *testing.T, files []repair.File) *audit.Subject {
			c := parseCase(t, file, data)
			for _, f := range files {
				c.change(f.Path, f.After)
			}
			return c.subject(t, c.sections["Dockerfile"])
		}})
	}
	good, err := filepath.Glob("testdata/good/*.Dockerfile")
	if err != nil || len(good) == 0 {
		t.Fatalf("%d good Dockerfiles: %v", len(good), err)
	}
	for _, file := range good {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, service{file, func(t *testing.T, files []repair.File) *audit.Subject {
			text := src
			for _, f := range files {
				text = f.After
			}
			f, err := dockerfile.Parse("Dockerfile", text, dockerfile.Options{})
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			s := &audit.Subject{Dockerfile: f}
			s.Prepare()
			return s
		}})
	}
	return out
}

// refusals are fixes that Correct must leave out, by case: all rules together see more than the one whose case it is.
var refusals = map[string]string{
	"testdata/stop-signal-lost/fix-keeps-the-rest.txtar stop-signal-lost": `it would introduce exec-form-shell-syntax: CMD passes "$x" as it is: no shell expands $x`,
}

// TestCorrect corrects every case by all rules, safe fixes and all fixes: no fix of ours may break what Correct promises,
// except where refusals says so, and what comes out is looked at from outside.
func TestCorrect(t *testing.T) {
	changed := 0
	for _, x := range services(t) {
		for _, unsafe := range []bool{false, true} {
			opt := repair.Options{Unsafe: unsafe}
			c, err := repair.Correct(x.make(t, nil), rules.All(), opt)
			if err != nil {
				t.Errorf("%s: %v", x.name, err)
				continue
			}
			for _, l := range c.Left {
				if fix := l.Finding.Fix; fix == nil || len(fix.Edits) == 0 || l.Unsafe {
					continue
				}
				if want := refusals[x.name+" "+l.Finding.Rule]; l.Because != want {
					t.Errorf("%s: %s: %q is left out: %s; want %q", x.name, l.Finding.Rule, l.Finding.Fix.Title, l.Because, want)
				}
			}
			if len(c.Files) == 0 {
				if len(c.Applied)+len(c.Gone) > 0 {
					t.Errorf("%s: %d fixes and no change", x.name, len(c.Applied))
				}
				continue
			}
			changed++
			checkCorrection(t, x, c, opt)
		}
	}
	if changed < 100 {
		t.Errorf("only %d cases are corrected", changed)
	}
}

func checkCorrection(t *testing.T, x service, c *repair.Correction, opt repair.Options) {
	t.Helper()
	if opt.Unsafe { // the most fixes at once
		backwards := rules.All()
		slices.Reverse(backwards)
		other, err := repair.Correct(x.make(t, nil), backwards, opt)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if got, want := repair.Diff(other.Files), repair.Diff(c.Files); got != want {
			t.Errorf("%s: the order of the rules matters:\n%s\nand backwards:\n%s", x.name, want, got)
		}
	}
	again, err := repair.Correct(x.make(t, c.Files), rules.All(), opt)
	if err != nil {
		t.Fatalf("%s: %v", x.name, err)
	}
	if len(again.Files) > 0 {
		t.Errorf("%s: the corrected text is corrected again:\n%s", x.name, repair.Diff(again.Files))
	}
	for _, f := range c.Files {
		if f.Path != "Dockerfile" {
			continue
		}
		if why := elsewhere(f.Before, f.After); why != "" {
			t.Errorf("%s: %s\n%s", x.name, why, repair.Diff(c.Files))
		}
	}
}

// elsewhere compares two texts by their lines, knowing nothing of the edits: what stands on lines that both have must
// read the same, every comment must still be there, line ends and byte order mark must be as they were.
func elsewhere(before, after []byte) string {
	old, err1 := dockerfile.Parse("Dockerfile", before, dockerfile.Options{})
	now, err2 := dockerfile.Parse("Dockerfile", after, dockerfile.Options{})
	if err1 != nil || err2 != nil {
		return fmt.Sprint(err1, err2)
	}
	diff := udiff.Lines(string(before), string(after))
	same := map[int]*dockerfile.Instruction{} // instructions of the new text by offset
	for _, in := range instructions(now) {
		same[in.Span.Start.Offset] = in
	}
	for _, in := range instructions(old) {
		first, last := in.Span.Start.Offset, in.Span.End.Offset
		shift, cut := 0, false
		for _, e := range diff {
			cut = cut || e.Start < last && e.End > first
			if e.End <= first {
				shift += len(e.New) - (e.End - e.Start)
			}
		}
		if cut {
			continue
		}
		if got := same[first+shift]; got == nil || says(got) != says(in) {
			return fmt.Sprintf("line %d reads differently", in.Span.Start.Line)
		}
	}
	left := map[string]int{}
	for line := range strings.Lines(string(after)) {
		left[strings.TrimSpace(line)]++
	}
	for line := range strings.Lines(string(before)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			if left[line]--; left[line] < 0 {
				return "lost comment " + line
			}
		}
	}
	if crlf := bytes.Count(before, []byte("\r\n")); crlf > 0 && crlf == bytes.Count(before, []byte("\n")) && bytes.Count(after, []byte("\r\n")) != bytes.Count(after, []byte("\n")) {
		return "lines without CR in a text of CR LF"
	}
	bom := []byte("\xef\xbb\xbf")
	if bytes.HasPrefix(before, bom) != bytes.HasPrefix(after, bom) {
		return "byte order mark"
	}
	return ""
}

func instructions(f *dockerfile.File) []*dockerfile.Instruction {
	all := slices.Clone(f.MetaArgs)
	for _, s := range f.Stages {
		all = append(append(all, s.From), s.Instructions...)
	}
	return all
}

// says is an instruction without its places.
func says(in *dockerfile.Instruction) string {
	var b strings.Builder
	fmt.Fprintln(&b, in.Keyword, in.JSON, in.Text, in.OnBuild)
	for _, f := range in.Flags {
		fmt.Fprintln(&b, f.Name, f.Value)
	}
	for _, w := range in.Words {
		fmt.Fprintln(&b, w.Value)
	}
	for _, h := range in.Heredocs {
		fmt.Fprintln(&b, h.Name, h.Expand, h.Content)
	}
	return b.String()
}

// TestCorrectLineEnds corrects every case with the line ends of Windows and a byte order mark: the outcome is the same but
// for these.
func TestCorrectLineEnds(t *testing.T) {
	windows := func(text []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	n := 0
	for _, x := range services(t) {
		unix := x.make(t, nil)
		if unix.Image != nil || bytes.Contains(unix.Dockerfile.Source, []byte("\r")) || bytes.HasPrefix(unix.Dockerfile.Source, []byte("\xef\xbb\xbf")) ||
			bytes.Contains(unix.Dockerfile.Source, []byte("<<")) { // the body of a here-document would be another one
			continue
		}
		want, err := repair.Correct(unix, rules.All(), repair.Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		s := x.make(t, []repair.File{{Path: "Dockerfile", After: windows(unix.Dockerfile.Source)}})
		got, err := repair.Correct(s, rules.All(), repair.Options{Unsafe: true})
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		for _, f := range want.Files {
			if f.Path != "Dockerfile" {
				continue
			}
			n++
			i := slices.IndexFunc(got.Files, func(g repair.File) bool { return g.Path == f.Path })
			if i < 0 {
				t.Errorf("%s: not corrected", x.name)
			} else if !bytes.Equal(got.Files[i].After, windows(f.After)) {
				t.Errorf("%s: got\n%q\nwant\n%q", x.name, got.Files[i].After, windows(f.After))
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d cases are corrected", n)
	}
}
