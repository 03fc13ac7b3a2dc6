package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// showCommand is a command on one line: form, T for the tail, > for redirections, assignments, words; a word that is not
// literal is in brackets.
func showCommand(c dockerfile.ShellCommand) string {
	out := string(c.Form)
	if c.Tail {
		out += " T"
	}
	if c.Redirected {
		out += " >"
	}
	for _, a := range c.Assigns {
		out += " " + a.Name + "=" + showWord(a.Value)
	}
	out += ":"
	for _, a := range c.Args {
		out += " " + showWord(a)
	}
	return out
}

func showWord(w dockerfile.ShellWord) string {
	if w.Literal {
		return w.Value
	}
	return "[" + w.Value + "]"
}

func TestParseShell(t *testing.T) {
	tests := []struct{ script, want string }{
		{"/app -x", "simple T: /app -x"},
		{"/app;", "simple T: /app"},
		{"A=1 B=$x /app >o 2>&1", "simple T > A=1 B=[$x]: /app"},
		{"cd /x && /app", "early: cd /x\nand T: /app"},
		{"a || b && c", "early: a\nearly: b\nand T: c"},
		{"mkdir /x; /app", "early: mkdir /x\nsequence T: /app"},
		{"a\nb &\nc", "early: a\nother: b\nsequence T: c"},
		{"a; b && c", "early: a\nearly: b\nother T: c"},
		{"/app && true", "early: /app\nand T: true"},
		{"/app; echo done", "early: /app\nsequence T: echo done"},
		{"/app | cat", "pipe: /app\npipe: cat"},
		{"a; /app | cat", "early: a\npipe: /app\npipe: cat"},
		{"/app &", "other: /app"},
		{"! /app", "other: /app"},
		{"(/app)", "other T: /app"},
		{"(a; /app); b", "other: a\nother: /app\nsequence T: b"},
		{"a & /app", "other: a\nother T: /app"},
		{"{ a; /app; }", "other: a\nother T: /app"},
		{"if a; then /app; else c; fi", "other: a\nother T: /app\nother T: c"},
		{"while a; do /app; done", "other: a\nother: /app"},
		{"case $1 in x) a; b;; $(c)) d;& e) f; esac", "other: a\nother T: b\nother: c\nother: d\nother T: f"},
		{"case $1 in x) a;; esac; b", "other: a\nsequence T: b"},
		{"f() { a; }; f", "other: a\nsequence T: f"},
		{"time a", "other: a"},
		{"exec /app -x", "exec T: /app -x"},
		{"exec -a name -- /app", "exec T: /app"},
		{"a && exec /app $X", "early: a\nexec T: /app [$X]"},
		{"exec /app && b", "exec: /app\nand T: b"},
		{"if a; then exec b; fi; exec \"$@\"", "other: a\nexec: b\nexec T: [\"$@\"]"},
		{"(exec a); exec b | c; exec d &", "other: a\npipe: b\npipe: c\nother: d"},
		{"exec >log; a", "sequence T: a"},
		{"FOO=1; a", "sequence T: a"},
		{"echo $(id -u `b`) <(c)", "simple T: echo [$(id -u `b`)] [<(c)]\nother: id -u [`b`]\nother: b\nother: c"},
		{"export A=1 B=$C D", "simple T: export A=1 [B=$C] D"},
		{`echo 'a b' "c \"d\"" e\ f "g$h" *.go ~/x [ -f ] ''`, `simple T: echo a b c "d" e f ["g$h"] [*.go] [~/x] [ -f ] `},
		{`echo "a*" '?' \* $'x' $'\n' "a\b"`, `simple T: echo a* ? * x [$'\n'] a\b`},
		{"cat <<E\n$(a)\nE", "simple T >: cat\nother: a"},
		{"", ""},
		{"# c", ""},
	}
	for _, tt := range tests {
		t.Run(tt.script, func(t *testing.T) {
			s, err := dockerfile.ParseShell(tt.script)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range s.Commands {
				got = append(got, showCommand(c))
			}
			equal(t, "commands", strings.Join(got, "\n"), tt.want)
		})
	}
}

func TestParseShellSpans(t *testing.T) {
	const script = "cd /x &&\n  A=1 exec  '/my app' \"$X\" > y"
	s, err := dockerfile.ParseShell(script)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s dockerfile.Span) string { return script[s.Start.Offset:s.End.Offset] }
	c := s.Commands[1]
	equal(t, "command", text(c.Span), "A=1 exec  '/my app' \"$X\"")
	equal(t, "place", fmt.Sprint(c.Span.Start.Line, c.Span.Start.Column), "2 3")
	equal(t, "words", text(c.Args[0].Span)+" "+text(c.Args[1].Span), "'/my app' \"$X\"")
	equal(t, "assignment", text(c.Assigns[0].Value.Span), "1")
}

func TestParseShellRefuses(t *testing.T) {
	for _, script := range []string{
		"a 'b", "if a; then b", "a )", "$(", "a &&", strings.Repeat("{ ", 1001) + "a" + strings.Repeat("; }", 1001), strings.Repeat("! a && ", 1001) + "a",
		strings.Repeat("(", 5000), strings.Repeat("$(", 60000), strings.Repeat("x", 1<<17+1), strings.Repeat("if ", 40000),
	} {
		if _, err := dockerfile.ParseShell(script); err == nil {
			t.Errorf("%.20q... is no error", script)
		} else if !strings.HasPrefix(err.Error(), "parsing shell text: ") {
			t.Errorf("%.20q...: %v", script, err)
		}
	}
}

// FuzzParseShell: no panic; every span is within the text, in order, and of a literal word without quotes the text.
func FuzzParseShell(f *testing.F) {
	for _, s := range []string{
		"/app -x", "cd /x && A=1 exec /app \"$@\" >o", "a | (b; c) &", "if a; then b; fi", "f() { a; }; $(b `c`) <(d)",
		"cat <<E\n$(a)\nE\n", "export A=1 $B", "a=(1 2) b[1]=2 c+=d e", "case x in a|b) c;; esac", "$'a\\nb' \\\n *",
		"coproc a { b; }", "[[ a =~ b ]] && ((1+2))", "for ((;;)); do a; done", "let a+=1", "time -p a", "select x in y; do z; done",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		s, err := dockerfile.ParseShell(script)
		if err != nil {
			return
		}
		last := 0
		for _, c := range s.Commands {
			if c.Span.Start.Offset < last || c.Span.End.Offset < c.Span.Start.Offset || c.Span.End.Offset > len(script) {
				t.Fatalf("span %v behind %d", c.Span, last)
			}
			last = c.Span.Start.Offset
			if len(c.Args) == 0 {
				t.Fatal("command without words")
			}
			for _, a := range c.Args {
				if a.Span.Start.Offset < c.Span.Start.Offset || a.Span.End.Offset > c.Span.End.Offset {
					t.Fatalf("word %v outside of %v", a.Span, c.Span)
				}
				if text := script[a.Span.Start.Offset:a.Span.End.Offset]; !a.Literal && a.Value != text {
					t.Fatalf("word %q, text %q", a.Value, text)
				}
			}
		}
	})
}
