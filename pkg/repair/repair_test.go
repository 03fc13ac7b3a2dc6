package repair_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/repair"
)

// subject is a Dockerfile alone, or with the files of its context.
func subject(t *testing.T, src string, context fstest.MapFS) *audit.Subject {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(src), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f}
	if context != nil {
		if s.Context, err = dockerfile.NewContext("dir", context, "Dockerfile"); err != nil {
			t.Fatal(err)
		}
	}
	s.Prepare()
	return s
}

// position is that of an offset.
func position(src []byte, offset int) dockerfile.Position {
	line := 1 + bytes.Count(src[:offset], []byte("\n"))
	return dockerfile.Position{Line: line, Column: offset - bytes.LastIndexByte(src[:offset], '\n'), Offset: offset}
}

// replacing is a rule that finds a word wherever it stands and offers another text for it.
func replacing(id, word, with string, safety audit.Safety) *audit.Rule {
	return &audit.Rule{ID: id, Severity: audit.Warning, Sees: audit.Sees{All: audit.Dockerfile}, Check: func(p *audit.Pass) {
		src := p.Dockerfile.Source
		for at := 0; ; {
			i := bytes.Index(src[at:], []byte(word))
			if i < 0 {
				return
			}
			span := dockerfile.Span{Start: position(src, at+i), End: position(src, at+i+len(word))}
			at += i + len(word)
			p.Report(audit.Finding{
				Message:  "there is " + word,
				Location: &audit.Location{File: "Dockerfile", Line: span.Start.Line, Column: span.Start.Column},
				Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "seen")},
				Fix:      &audit.Fix{Title: "Write " + with, Safety: safety, Edits: []dockerfile.Edit{{Span: span, New: with}}},
			})
		}
	}}
}

// graded is a rule with another severity.
func graded(s audit.Severity, r *audit.Rule) *audit.Rule {
	r.Severity = s
	return r
}

// outcome is a correction as the tests below write it.
func outcome(t *testing.T, s *audit.Subject, opt repair.Options, rules ...*audit.Rule) string {
	t.Helper()
	c, err := repair.Correct(s, rules, opt)
	if err != nil {
		t.Fatal(err)
	}
	backwards := slices.Clone(rules)
	slices.Reverse(backwards)
	other, err := repair.Correct(s, backwards, opt)
	if err != nil {
		t.Fatal(err)
	}
	got := describe(c)
	if also := describe(other); also != got {
		t.Errorf("the order of the rules matters: got\n%s\nand backwards\n%s", got, also)
	}
	return got
}

func describe(c *repair.Correction) string {
	var b strings.Builder
	for _, f := range c.Files {
		fmt.Fprintf(&b, "%s: %q\n", f.Path, f.After)
	}
	for _, a := range c.Applied {
		fmt.Fprintf(&b, "applied %s", where(&a.Finding))
		if a.Consequence {
			b.WriteString(", a consequence")
		}
		if a.ToProve {
			b.WriteString(", to be proven")
		}
		b.WriteString("\n")
	}
	for _, f := range c.Gone {
		fmt.Fprintf(&b, "gone %s\n", where(&f.Finding))
	}
	for _, l := range c.Left {
		fmt.Fprintf(&b, "left %s: %s\n", where(&l.Finding), l.Because)
	}
	return b.String()
}

func where(f *audit.Finding) string {
	if f.Location == nil {
		return f.Rule
	}
	return fmt.Sprintf("%s:%d", f.Rule, f.Location.Line)
}

func TestCorrect(t *testing.T) {
	byHand := &audit.Rule{ID: "by-hand", Severity: audit.Note, Check: func(p *audit.Pass) {
		p.Report(audit.Finding{Message: "nobody knows", Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "seen")}})
	}}
	tests := []struct {
		name, src string
		opt       repair.Options
		rules     []*audit.Rule
		want      string
	}{
		{
			name: "nothing to say", src: "FROM a\n",
		},
		{
			name: "several at once", src: "FROM a\nENV X=1 Y=2\nENV Z=X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=3", audit.Safe), replacing("y", "Y=2", "Y=4", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=3 Y=4\\nENV Z=X=3\\n\"\napplied x:2\napplied y:2\napplied x:3\n",
		},
		{
			name: "unsafe is not applied", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=3", audit.Unsafe), byHand},
			want:  "left x:2: it may change behaviour\nleft by-hand: to be done by hand\n",
		},
		{
			name: "unsafe when asked", src: "FROM a\nENV X=1\n", opt: repair.Options{Unsafe: true},
			rules: []*audit.Rule{replacing("x", "X=1", "X=3", audit.Unsafe)},
			want:  "Dockerfile: \"FROM a\\nENV X=3\\n\"\napplied x:2\n",
		},
		{
			name: "some rules only", src: "FROM a\nENV X=1 Y=2\n", opt: repair.Options{Rules: []string{"y", "by-hand"}},
			rules: []*audit.Rule{replacing("x", "X=1", "X=3", audit.Safe), replacing("y", "Y=2", "Y=4", audit.Safe), byHand},
			want:  "Dockerfile: \"FROM a\\nENV X=1 Y=4\\n\"\napplied y:2\nleft by-hand: to be done by hand\n",
		},
		{
			name: "an overlap is looked at again", src: "FROM a\nENV X=1 Y=2\n",
			rules: []*audit.Rule{replacing("both", "X=1 Y=2", "X=1 Y=5", audit.Safe), replacing("one", "X=1", "X=3", audit.Safe), replacing("y", "Y=2", "Y=4", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=3 Y=5\\n\"\napplied both:2\napplied one:2\ngone y:2\n",
		},
		{
			name: "what a fix calls for is fixed too", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), replacing("y", "X=2", "X=3", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=3\\n\"\napplied x:2\napplied y:2, a consequence\n",
		},
		{
			name: "a fix that introduces a finding", src: "FROM a\nENV X=1 Y=2\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), replacing("worse", "X=2", "X=2", audit.Unsafe), replacing("y", "Y=2", "Y=4", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=1 Y=4\\n\"\napplied y:2\nleft x:2: it would introduce worse: there is X=2\n",
		},
		{
			name: "a fix of a warning that brings a note", src: "FROM a\nENV X=1 Y=2\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), graded(audit.Note, replacing("brought", "X=2", "X=2", audit.Unsafe)), replacing("y", "Y=2", "Y=4", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=2 Y=4\\n\"\napplied x:2\napplied y:2\nleft brought:2: it may change behaviour\n",
		},
		{
			name: "a fix of a note that brings a note", src: "FROM a\nENV X=1 Y=2\n",
			rules: []*audit.Rule{graded(audit.Note, replacing("x", "X=1", "X=2", audit.Safe)), graded(audit.Note, replacing("brought", "X=2", "X=2", audit.Unsafe)), replacing("y", "Y=2", "Y=4", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=1 Y=4\\n\"\napplied y:2\nleft x:2: it would introduce brought: there is X=2\n",
		},
		{
			name: "a fix of a warning that brings a note and a warning", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), graded(audit.Note, replacing("brought", "X=2", "X=2", audit.Unsafe)), replacing("worse", "=2", "=2", audit.Unsafe)},
			want:  "left x:2: it would introduce worse: there is =2\n",
		},
		{
			name: "a note without a fix and a warning with one", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2 Z=1", audit.Safe), graded(audit.Note, replacing("brought", "X=2", "X=2", audit.Unsafe)), replacing("z", "Z=1", "Z=2", audit.Safe)},
			want:  "Dockerfile: \"FROM a\\nENV X=2 Z=2\\n\"\napplied x:2\napplied z:2, a consequence\nleft brought:2: it may change behaviour\n",
		},
		{
			name: "a note that a fix of a warning leaves", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{graded(audit.Error, replacing("x", "X=1", "X=1 X=2", audit.Safe)), graded(audit.Note, replacing("brought", "X=2", "X=2", audit.Unsafe))},
			want:  "left x:2: the rules still find it in the corrected text\n",
		},
		{
			name: "a circle", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), replacing("y", "X=2", "X=1", audit.Safe)},
			want:  "left x:2: the rules still find it in the corrected text\n",
		},
		{
			name: "a fix that does not help", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=1 ", audit.Safe)},
			want:  "left x:2: the rules still find it in the corrected text\n",
		},
		{
			name: "a fix that does not parse", src: "FROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "ENV X=1", "ENVY", audit.Safe)},
			want:  "left x:2: BuildKit would refuse the corrected text: Dockerfile:2: unknown instruction: ENVY (did you mean ENV?)\n",
		},
		{
			name: "a fix that drops a comment", src: "FROM a\nENV X=1 \\\n  # why\n  Y=2\n",
			rules: []*audit.Rule{replacing("x", "X=1 \\\n  # why\n", "X=3 \\\n", audit.Safe)},
			want:  "left x:2: it would drop the comment \"# why\"\n",
		},
		{
			name: "a fix that swallows the next line", src: "FROM a\nRUN X=1\nENV Y=2\nCMD [\"y\"]\n",
			rules: []*audit.Rule{replacing("x", "X=1", "X=3 \\", audit.Safe)},
			want:  "left x:2: line 3, which it is not for, would read differently\n",
		},
		{
			name: "a fix that frees a here-document", src: "FROM a\nRUN cat <<CMD\nENV Y=2\nCMD\n",
			rules: []*audit.Rule{replacing("x", "<<CMD", "/etc/motd", audit.Safe)},
			want:  "left x:2: its line 3 would be read as ENV\n",
		},
		{
			name: "a fix that changes a directive", src: "# escape=`\nFROM a\nENV X=1\n",
			rules: []*audit.Rule{replacing("x", "escape=`", "escape=\\", audit.Safe)},
			want:  "left x:1: it would drop the comment \"# escape=`\"\n",
		},
		{
			name: "a fix that BuildKit's linter complains of", src: "FROM a\nCMD [\"x\"]\n",
			rules: []*audit.Rule{replacing("x", `["x"]`, "x", audit.Safe)},
			want:  "left x:2: BuildKit's own check JSONArgsRecommended would complain\n",
		},
		{
			name: "one bad fix among many", src: "FROM a\nENV A=1\nENV B=1\nENV C=1\nENV D=1\nENV E=1\n",
			rules: []*audit.Rule{replacing("a", "A=1", "A=2", audit.Safe), replacing("b", "B=1", "B=2", audit.Safe), replacing("c", "ENV C=1", "ENVY", audit.Safe),
				replacing("d", "D=1", "D=2", audit.Safe), replacing("e", "E=1", "E=2", audit.Safe)},
			want: "Dockerfile: \"FROM a\\nENV A=2\\nENV B=2\\nENV C=1\\nENV D=2\\nENV E=2\\n\"\napplied a:2\napplied b:3\napplied d:5\napplied e:6\n" +
				"left c:4: BuildKit would refuse the corrected text: Dockerfile:4: unknown instruction: ENVY (did you mean ENV?)\n",
		},
		{
			name: "the place is that of the text as it was read", src: "FROM a\nENV X=1\nENV Y=2\nENV Z=1\n",
			rules: []*audit.Rule{replacing("x", "ENV X=1\n", "ENV X=3\nENV U=1\n", audit.Safe), replacing("z", "ENV Z=1", "ENVY", audit.Safe)},
			want: "Dockerfile: \"FROM a\\nENV X=3\\nENV U=1\\nENV Y=2\\nENV Z=1\\n\"\napplied x:2\n" +
				"left z:4: BuildKit would refuse the corrected text: Dockerfile:5: unknown instruction: ENVY (did you mean ENV?)\n",
		},
		{
			name: "line ends and byte order mark", src: "\ufeffFROM a\r\n# c\r\nENV X=1",
			rules: []*audit.Rule{replacing("x", "X=1", "X=3", audit.Safe)},
			want:  "Dockerfile: \"\\ufeffFROM a\\r\\n# c\\r\\nENV X=3\"\napplied x:3\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := subject(t, tt.src, nil)
			if got := outcome(t, s, tt.opt, tt.rules...); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if string(s.Dockerfile.Source) != tt.src {
				t.Error("the subject was changed")
			}
		})
	}
}

// TestCorrectNothing: a subject without a Dockerfile cannot be corrected.
func TestCorrectNothing(t *testing.T) {
	if c, err := repair.Correct(&audit.Subject{}, nil, repair.Options{}); err == nil {
		t.Errorf("got %+v", c)
	}
}

// TestCorrectStop: a correction ends when it is told to.
func TestCorrectStop(t *testing.T) {
	enough := errors.New("enough")
	asked := 0
	stop := func() error {
		if asked++; asked > 1 {
			return enough
		}
		return nil
	}
	rules := []*audit.Rule{replacing("x", "X=1", "X=2", audit.Safe), replacing("one", "X", "Y", audit.Safe)}
	c, err := repair.Correct(subject(t, "FROM a\nENV X=1\n", nil), rules, repair.Options{Stop: stop})
	if c != nil || !errors.Is(err, enough) || asked != 2 {
		t.Errorf("got %v, %v after %d", c, err, asked)
	}
}

// TestCorrectImage: what the image shows is not gone before a build; what the text shows is. A rule that would offer its
// fix for ever is stopped.
func TestCorrectImage(t *testing.T) {
	s := subject(t, "FROM a\nENV X=1\n", nil)
	s.Image = &layers.Image{Config: layers.Config{Env: []string{"X=1"}}}
	s.Prepare()
	shown := func(id, when, edit string) *audit.Rule {
		return &audit.Rule{ID: id, Severity: audit.Error, Sees: audit.Sees{All: audit.ImageConfig}, Check: func(p *audit.Pass) {
			f := audit.Finding{Message: "X is set", Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "X=1")}}
			if bytes.Contains(p.Dockerfile.Source, []byte(when)) {
				at := position(p.Dockerfile.Source, bytes.Index(p.Dockerfile.Source, []byte(when)))
				f.Fix = &audit.Fix{Title: "Leave it out", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: dockerfile.Span{Start: at, End: at}, New: edit}}}
			}
			p.Report(f)
		}}
	}
	want := "Dockerfile: \"FROM a\\nENV X=2\\n\"\napplied text:2\nleft endless: it would be offered again\n"
	if got := outcome(t, s, repair.Options{}, shown("endless", "X=", "Y=1 "), replacing("text", "X=1", "X=2", audit.Safe)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = "Dockerfile: \"FROM a\\nENV Y=1\\n\"\napplied once, to be proven\n"
	once := shown("once", "X=1", "")
	check := once.Check
	once.Check = func(p *audit.Pass) { check(p) }
	once = &audit.Rule{ID: "once", Severity: audit.Error, Sees: audit.Sees{All: audit.ImageConfig}, Check: func(p *audit.Pass) {
		f := audit.Finding{Message: "X is set", Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "X=1")}}
		src := p.Dockerfile.Source
		if i := bytes.Index(src, []byte("X=1")); i >= 0 {
			span := dockerfile.Span{Start: position(src, i), End: position(src, i+1)}
			f.Fix = &audit.Fix{Title: "Name it Y", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: span, New: "Y"}}}
		}
		p.Report(f)
	}}
	if got := outcome(t, s, repair.Options{}, once); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCorrectCount: findings that do not count are left alone, and an edit that parts a waiver from its line is refused.
func TestCorrectCount(t *testing.T) {
	const src = "FROM a\n# waived\nENV X=1\nENV X=1\n"
	count := func(s *audit.Subject, found []audit.Finding) []audit.Finding {
		lines := strings.Split(string(s.Dockerfile.Source), "\n")
		return slices.DeleteFunc(slices.Clone(found), func(f audit.Finding) bool {
			return f.Location != nil && f.Location.Line > 1 && strings.TrimSpace(lines[f.Location.Line-2]) == "# waived"
		})
	}
	x := replacing("x", "X=1", "X=2", audit.Safe)
	want := "Dockerfile: \"FROM a\\n# waived\\nENV X=1\\nENV X=2\\n\"\napplied x:4\n"
	if got := outcome(t, subject(t, src, nil), repair.Options{Count: count}, x); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	parts := replacing("parts", "# waived\n", "# waived \nENV U=1\n", audit.Safe)
	want = "left parts:2: it would introduce x: there is X=1\nleft x:4: it may change behaviour\n"
	if got := outcome(t, subject(t, src, nil), repair.Options{Count: count}, replacing("x", "X=1", "X=2", audit.Unsafe), parts); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCorrectContext: the ignore file that applies is corrected, or made, and the rules see it.
func TestCorrectContext(t *testing.T) {
	env := &audit.Rule{ID: "env", Severity: audit.Warning, Sees: audit.Sees{All: audit.Context}, Check: func(p *audit.Pass) {
		out, err := p.Context.Ignored(".env")
		if err != nil || out {
			return
		}
		p.Report(audit.Finding{
			Message:  ".env is taken",
			Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "seen")},
			Fix:      &audit.Fix{Title: "Leave it out", Safety: audit.Safe, Edits: []dockerfile.Edit{{Path: ".dockerignore", New: ".env\n"}}},
		})
	}}
	const src = "FROM a\nCOPY . .\n"
	for _, tt := range []struct {
		name, want string
		context    fstest.MapFS
	}{
		{"made", "dir/.dockerignore: \".env\\n\"\napplied env\n", fstest.MapFS{".env": {}}},
		{"changed", "dir/.dockerignore: \".env\\n# c\\n.git\\n\"\napplied env\n", fstest.MapFS{".env": {}, ".dockerignore": {Data: []byte("# c\n.git\n")}}},
		{"the Dockerfile's own", "dir/Dockerfile.dockerignore: \".env\\n.git\\n\"\napplied env\n", fstest.MapFS{".dockerignore": {}, "Dockerfile.dockerignore": {Data: []byte(".git\n")}}},
		{"no need", "", fstest.MapFS{".dockerignore": {Data: []byte(".env\n")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(t, subject(t, src, tt.context), repair.Options{}, env); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	t.Run("already changed", func(t *testing.T) {
		s := subject(t, src, fstest.MapFS{".env": {}})
		first, err := repair.Correct(s, []*audit.Rule{env}, repair.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, s, repair.Options{Changed: first.Files}, env); got != "" {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("no context", func(t *testing.T) {
		everywhere := *env
		everywhere.Sees = audit.Sees{}
		everywhere.Check = func(p *audit.Pass) {
			p.Report(audit.Finding{Message: "m", Fix: &audit.Fix{Title: "Make it", Safety: audit.Safe, Edits: []dockerfile.Edit{{Path: ".dockerignore", New: ".env\n"}}}})
		}
		want := "left env: .dockerignore belongs to the build context, which was not given\n"
		if got := outcome(t, subject(t, src, nil), repair.Options{}, &everywhere); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
