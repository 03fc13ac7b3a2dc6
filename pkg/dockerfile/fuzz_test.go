package dockerfile_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// inputs are Dockerfiles with something hard in each; they seed the fuzzer and feed the comparison with BuildKit.
var inputs = []string{
	"FROM a\n",
	"\xef\xbb\xbf# syntax=x\r\nFROM a \\\r\n AS b\r\nRUN c \\\r\n\r\n # d\r\n e\r\n",
	"# escape=`\nFROM a\nCOPY x c:\\\nRUN a `\n # c\n b` `\n c\n",
	"ARG A=1\nARG B=${A:-2}\nFROM --platform=$BUILDPLATFORM x:${B} AS y\nFROM y\n",
	"FROM a\nENV A=\"x y\" B='z' C=a\\ b D=$A E=${E}\nENV old value here\nLABEL a=b \\\n c=d\nARG a b=1 c=\"2 3\"\n",
	"FROM a\nCMD [\"a\", \"b\\\"c\", \"\\u0041\"]\nCMD ['a']\nCMD [\"a\",]\nCMD [ ]\nENTRYPOINT\n",
	"FROM a\nRUN <<EOF\nx\n# y\\\nEOF\nRUN <<-A b <<\"B\"\n\t1\n\tA\n2\nB\nCOPY <<A /x\n$y\nA\n# end\n",
	"FROM a\nCOPY --from=b --chown=1:1 \"--chmod=u=rwX\" --link --parents --exclude=x --exclude=y -- a b /c/\n",
	"FROM a\nRUN --mount=type=cache,target=/x --mount=type=secret,id=y,env=Z --network=none --security=insecure b\n",
	"FROM a\nHEALTHCHECK --interval=1s --retries=2 CMD [\"a\"]\nHEALTHCHECK CMD  a  b\nHEALTHCHECK NONE\n",
	"FROM a AS b\nONBUILD RUN x\nONBUILD COPY [\"a\", \"/b\"]\nFROM b\n",
	"from A.b/c\n  user   1\n\tworkdir x \nstopsignal SIGTERM\nvolume [\"/a\", \"/b c\"]\nvolume /c /d\nexpose 80 90/udp\nshell [\"/bin/bash\", \"-c\"]\nmaintainer x y\n",
	"FROM a\nRUN a \\\nb\\\n  c\\ \n d \\",
	"FROM a\nADD https://x/y /z\nRUN go build -o /a . && cd x && go install ./...\nCOPY --from=x a b\n",
	"FROM a\nLABEL \"k e\"=\"v=1\" é=ü\\\n\u00a0x=1\n",
	"FROM a\nRUN a \"<<EOF\" <<<b $((1<<2))\nRUN\nCMD\n",
	"FROM a\nENV A=x\\\n# c\ny\\\n\n\nz B=1\n",
	"#!/usr/bin/x\n# syntax=y\n# check=skip=all\nFROM a\n# check=skip=JSONArgsRecommended\nCMD x\n",
}

// checkSpans checks everything that must hold for the spans of any file.
func checkSpans(t *testing.T, f *dockerfile.File) {
	t.Helper()
	var rest bytes.Buffer
	last := 0
	for _, in := range all(f) {
		inside(t, f, dockerfile.Span{End: dockerfile.Position{Offset: len(f.Source)}}, in.Span)
		if in.Span.Start.Offset < last {
			t.Fatalf("%s at %v begins before %d", in.Keyword, in.Span, last)
		}
		rest.Write(f.Source[last:in.Span.Start.Offset])
		rest.WriteString(f.Text(in.Span))
		last = in.Span.End.Offset
		if text := f.Text(in.Span); !strings.EqualFold(joined(text, f.Escape, len(in.Keyword)), in.Keyword) {
			t.Fatalf("instruction %q begins with %q", in.Keyword, text)
		}
		ordered(t, f, in)
	}
	rest.Write(f.Source[last:])
	if !bytes.Equal(rest.Bytes(), f.Source) {
		t.Fatal("gaps and spans do not make up the source")
	}
	for _, s := range f.Stages {
		inside(t, f, dockerfile.Span{End: dockerfile.Position{Offset: len(f.Source)}}, s.Span)
		for _, v := range append(slices.Clone(s.Env), s.Args...) {
			if !v.Span.IsZero() && !v.ValueSpan.IsZero() {
				inside(t, f, v.Span, v.ValueSpan)
			}
		}
	}
}

// joined is the beginning of a text without continuations, a keyword may be split by them.
func joined(text string, escape byte, n int) string {
	var b strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for k, line := range lines {
		trimmed := strings.TrimSpace(line)
		if k > 0 && (trimmed == "" || trimmed[0] == '#') {
			continue
		}
		line = strings.TrimRight(line, "\r\n")
		if cut := strings.TrimRight(line, " \t"); strings.HasSuffix(cut, string(rune(escape))) {
			line = cut[:len(cut)-1]
		}
		if b.WriteString(line); b.Len() >= n {
			break
		}
	}
	return b.String()[:min(n, b.Len())]
}

// ordered checks that flags, words and heredocs follow each other inside their instruction.
func ordered(t *testing.T, f *dockerfile.File, in *dockerfile.Instruction) {
	t.Helper()
	var spans []dockerfile.Span
	for _, flag := range in.Flags {
		spans = append(spans, flag.Span)
	}
	spans = append(spans, wordSpans(in.Words)...)
	for _, h := range in.Heredocs {
		spans = append(spans, h.Span)
	}
	for k, s := range spans {
		inside(t, f, in.Span, s)
		if k > 0 && s.Start.Offset < spans[k-1].End.Offset {
			t.Fatalf("%q: span %q overlaps %q", f.Text(in.Span), f.Text(s), f.Text(spans[k-1]))
		}
	}
	if in.Run == nil {
		return
	}
	for _, b := range in.Run.Builds {
		inside(t, f, in.Span, b.Span)
		for _, flag := range b.Flags {
			inside(t, f, b.Span, flag.Span)
		}
	}
}

// inside checks that a span is well formed and lies in another one.
func inside(t *testing.T, f *dockerfile.File, outer, s dockerfile.Span) {
	t.Helper()
	if s.Start.Offset < outer.Start.Offset || s.End.Offset > outer.End.Offset || s.End.Offset < s.Start.Offset {
		t.Fatalf("%v is not inside %v", s, outer)
	}
	for _, p := range []dockerfile.Position{s.Start, s.End} {
		before := f.Source[:p.Offset]
		line := bytes.Count(before, []byte("\n")) + 1
		column := p.Offset - bytes.LastIndexByte(before, '\n')
		if atEnd := p.Offset == len(f.Source) && bytes.HasSuffix(before, []byte("\n")); !atEnd && (p.Line != line || p.Column != column) {
			t.Fatalf("offset %d is said to be %d:%d, it is %d:%d", p.Offset, p.Line, p.Column, line, column)
		}
	}
}

// checkBuildKit compares a file with BuildKit's own reading of it: the same instructions, words and elements. What
// BuildKit's parser accepts and we refuse must be refused for a reason that its parser does not look at.
func checkBuildKit(t *testing.T, src []byte) {
	t.Helper()
	result, err := parser.Parse(bytes.NewReader(src))
	var stages []instructions.Stage
	if err == nil {
		stages, _, err = instructions.Parse(result.AST, linter.New(&linter.Config{}))
	}
	f, ours := dockerfile.Parse("Dockerfile", src, dockerfile.Options{})
	if ours == nil && (err != nil || len(stages) == 0) {
		t.Fatalf("BuildKit refuses it: %v", err)
	}
	if ours != nil {
		return
	}
	list := all(f)
	if len(list) != len(result.AST.Children) {
		t.Fatalf("%d instructions, BuildKit has %d", len(list), len(result.AST.Children))
	}
	for k, n := range result.AST.Children {
		in := list[k]
		if !strings.EqualFold(in.Keyword, n.Value) || in.JSON != n.Attributes["json"] || len(in.Flags) != len(n.Flags) {
			t.Fatalf("%q is not %q", f.Text(in.Span), n.Original)
		}
		if n.StartLine > in.Span.Start.Line || n.EndLine < in.Span.End.Line && in.Span.End.Column > 1 {
			t.Fatalf("%q at %v, BuildKit has lines %d to %d", f.Text(in.Span), in.Span, n.StartLine, n.EndLine)
		}
		if !strings.HasSuffix(strings.TrimSpace(n.Original), in.Text) {
			t.Fatalf("text %q of %q", in.Text, n.Original)
		}
		var args []string
		for a := n.Next; a != nil && in.Keyword != "ONBUILD"; a = a.Next {
			args = append(args, a.Value)
		}
		if in.Keyword == "ENV" || in.Keyword == "LABEL" {
			args = args[:len(args)/3]
		}
		if in.Keyword != "ONBUILD" && len(args) != len(in.Words) {
			t.Fatalf("%q has words %q, BuildKit %q", n.Original, values(in.Words), args)
		}
		if in.Keyword != "ENV" && in.Keyword != "LABEL" {
			checkWords(t, f, in, args)
		}
	}
}

// checkWords checks that the source text of a word is the word, where it stands in one piece and needs no decoding.
func checkWords(t *testing.T, f *dockerfile.File, in *dockerfile.Instruction, args []string) {
	t.Helper()
	for k, arg := range args {
		text := f.Text(in.Words[k].Span)
		if in.JSON && strings.HasPrefix(text, `"`) && !strings.ContainsAny(text, "\\\n") && strings.ToValidUTF8(text, "") == text {
			arg = `"` + arg + `"`
		} else if in.JSON {
			continue
		}
		if !strings.Contains(text, "\n") && strings.ToValidUTF8(text, "\uFFFD") == text && text != arg && !strings.HasSuffix(text, string(rune(f.Escape))) {
			t.Fatalf("%q: word %q stands as %q", f.Text(in.Span), arg, text)
		}
	}
}

// TestAgreesWithBuildKit reads every input as it is, with Windows line ends, with a byte order mark, and with each blank
// between words replaced by a continuation.
func TestAgreesWithBuildKit(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	parsed := 0
	for _, src := range append(slices.Clone(inputs), service) {
		variants := []string{src, strings.ReplaceAll(src, "\n", "\r\n"), mark + strings.TrimPrefix(src, mark)}
		for k := range src {
			if src[k] == ' ' {
				variants = append(variants, src[:k]+" \\\n # comment\n\n  "+src[k:])
			}
		}
		for _, v := range variants {
			checkBuildKit(t, []byte(v))
			if f, err := dockerfile.Parse("Dockerfile", []byte(v), dockerfile.Options{}); err == nil {
				checkSpans(t, f)
				parsed++
			} else if v == src {
				t.Errorf("%q: %v", src, err)
			}
		}
	}
	if parsed < 200 {
		t.Errorf("only %d variants parsed", parsed)
	}
}

// FuzzParse: no panic, sound spans, and the same reading as BuildKit.
func FuzzParse(f *testing.F) {
	for _, src := range inputs {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 10000 {
			return
		}
		checkBuildKit(t, src)
		file, err := dockerfile.Parse("Dockerfile", src, dockerfile.Options{})
		if err != nil {
			return
		}
		checkSpans(t, file)
		for _, s := range file.Stages {
			file.Reachable(s)
			file.Origin(s, "/app")
		}
	})
}
