package dockerfile_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"golang.org/x/tools/txtar"
)

// nasty are Dockerfiles whose text is hard to take apart.
var nasty = []string{
	"FROM 0\nENV 0=\\\n 1=",
	"from a",
	"FROM a\r\nRUN b \\\r\n\r\n  # c\r\n\r\n d\r\n\r\n",
	"\xef\xbb\xbf\r\n \t\r\n# x\r\nFROM a\r\n  \r\n\tRUN b  \r\r\n",
	"\\\nFROM \\\n a \\\n  A\\\nS b\n",
	"FR\\\nOM a\nRU\\\n# c\nN b\n",
	"FROM a\nRUN a \\   \n\t b \\\t\nCMD c",
	"FROM a\nRUN a\\",
	"FROM a\nRUN a \\\n\n\n# c\n",
	"FROM a\nRUN a \\\n# c",
	"FROM a\nCOPY --fr\\\nom=x --chown=\"1 \\\n 2\" -- a \\\n # c\n b\\\n/c\n",
	"FROM a\nENV A=\"x \\\n   y\" B='\\\n z' C\\ D=1\nENV k  v  w \\\n x\nLABEL a=b\\\n\\\nc\n",
	"FROM a\nCMD [ \"a\" , \\\n # c\n \"b\\\n \\\"c\" ]  \nSHELL [\"x\",\"-c\"]\nVOLUME [\"/a\",\"/b\"]\nCOPY [\"a\",\"b\",\"/c\"]\n",
	"FROM a\nHEALTHCHECK --interval=1s \\\n CMD \\\n [\"a\",\"b\"]\nHEALTHCHECK CMD a \\\n && b\nHEALTHCHECK NONE\n",
	"FROM a\nONBUILD RUN --mount=type=cache,target=/x a \\\n # c\n b\nONBUILD COPY [\"a\",\\\n\"b\"]\nONBUILD COPY --from=x a b\nONBUILD HEALTHCHECK CMD a\n",
	"FROM a\nONBUILD RUN <<EOF\n# a\\\n  b\nEOF\nRUN b\n",
	"FROM a\nRUN <<-'E F' cat <<\"G\"\r\n\tx\r\n\tE F\r\ny\r\nG\r\nRUN \\\n# c\n <<H\nH\n# after\nCOPY <<I <<J /d/\nI\nJ\n",
	"FROM a\nCOPY <<'A' /x\n  \xff\xfe\n# no comment\nFROM no\nA\nRUN b \xc2\xa0c\xc2\x85 \xa0\n",
	"# escape=`\n#check=skip=all\n# note\n# syntax=no\nFROM a\nRUN a `\n b \\\nRUN c `` \n",
	"#!/bin/x\n# syntax=y\n# escape=`\nFROM a\nRUN a \\\n b\n",
	"  #  ESCAPE = \\ \r\nFROM a\nRUN\nCMD\n\tENTRYPOINT  \n",
	"FROM a\nCOPY --chown=\xc3\xa0 a b\nCOPY --link\xa0a b\nEXPOSE 80 81/udp\nUSER  a b \nMAINTAINER me \\\n you\n",
	"FROM a\nRUN --mount=type=bind,target=/x echo \"<<EOF\" $((1<<2)) <<<x\n\v\f\nARG a b=1 \\\n c='2'\n",
}

// documents are all the Dockerfiles of this tree and of BuildKit's own parser tests, by name.
func documents(t testing.TB) map[string][]byte {
	t.Helper()
	docs := map[string][]byte{"service": []byte(service)}
	for k, src := range append(slices.Clone(inputs), nasty...) {
		docs[fmt.Sprintf("input %d", k)] = []byte(src)
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base := filepath.Base(name)
		isCase := strings.HasSuffix(base, ".txtar")
		if !isCase && !strings.Contains(base, "ockerfile") && !strings.HasPrefix(base, "Containerfile") || strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !isCase {
			docs[name] = text
			return err
		}
		for _, f := range txtar.Parse(text).Files {
			if strings.Contains(f.Name, "ockerfile") {
				docs[name+":"+f.Name] = f.Data
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// buildKitDocuments are the Dockerfiles of the tests of BuildKit's parser, from the module cache.
func buildKitDocuments(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("the source of BuildKit is not in the module cache: %v", err)
	}
	docs := map[string][]byte{}
	for _, pattern := range []string{"testfiles/*/Dockerfile", "testfiles-negative/*/Dockerfile"} {
		names, err := filepath.Glob(filepath.Join(dir, "frontend/dockerfile/parser", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if docs[name], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(docs) == 0 {
		t.Skip("the source of BuildKit in the module cache has no test files")
	}
	return docs
}

// checkPieces checks all that must hold for the pieces of a file: they make up the source, lie on the lines that BuildKit
// gives the instruction, and without continuations, comments and blank lines they are its line.
func checkPieces(t *testing.T, f *dockerfile.File) {
	t.Helper()
	pieces := f.Pieces()
	if got := dockerfile.Render(pieces); !bytes.Equal(got, f.Source) {
		t.Fatalf("rendered %q", got)
	}
	result, err := parser.Parse(bytes.NewReader(f.Source))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[*dockerfile.Instruction]*parser.Node{}
	for k, in := range all(f) {
		lines[in] = result.AST.Children[k]
	}
	at := 0
	joined := map[*parser.Node]string{}
	for _, p := range pieces {
		if p.Span.Start.Offset != at || p.Text == "" || f.Text(p.Span) != p.Text {
			t.Fatalf("piece %q at %v, behind byte %d", p.Text, p.Span, at)
		}
		at = p.Span.End.Offset
		inside(t, f, dockerfile.Span{End: dockerfile.Position{Offset: len(f.Source)}}, p.Span)
		checkPiece(t, f, p, lines[p.In])
		if n := lines[p.In]; n != nil && partOfLine(p) {
			joined[n] += p.Text
		}
	}
	for n, line := range joined {
		// blanks aside: those behind a continuation are pieces too
		if strings.Join(strings.Fields(line), "") != strings.Join(strings.Fields(n.Original), "") {
			t.Fatalf("pieces make up the line %q, BuildKit has %q", line, n.Original)
		}
	}
	checkTokens(t, f, pieces)
}

// partOfLine reports whether BuildKit keeps a piece when it joins the lines of a command.
func partOfLine(p dockerfile.Piece) bool {
	switch p.Kind {
	case dockerfile.KindContinuation, dockerfile.KindLineEnd, dockerfile.KindComment, dockerfile.KindHeredoc, dockerfile.KindHeredocEnd:
		return false
	}
	return true
}

// checkPiece checks one piece by itself.
func checkPiece(t *testing.T, f *dockerfile.File, p dockerfile.Piece, n *parser.Node) {
	t.Helper()
	blank := strings.TrimSpace(strings.ToValidUTF8(p.Text, "")) == ""
	ok := true
	switch p.Kind {
	case dockerfile.KindOther:
		ok = false
	case dockerfile.KindBOM:
		ok = p.Text == "\xef\xbb\xbf" && p.Span.Start.Offset == 0
	case dockerfile.KindDirective, dockerfile.KindComment:
		ok = p.Text[0] == '#' && !strings.Contains(p.Text, "\n")
	case dockerfile.KindLineEnd:
		ok = strings.Trim(p.Text, "\r\n") == "" && strings.Count(p.Text, "\n") <= 1
	case dockerfile.KindIndent, dockerfile.KindBlank:
		ok = blank && !strings.Contains(p.Text, "\n")
	case dockerfile.KindContinuation:
		ok = p.Text == string(rune(f.Escape)) && p.In != nil
	case dockerfile.KindKeyword, dockerfile.KindFlagName, dockerfile.KindFlagEquals, dockerfile.KindFlagValue, dockerfile.KindFlagsEnd,
		dockerfile.KindWord, dockerfile.KindElement, dockerfile.KindPunctuation, dockerfile.KindShell:
		ok = p.In != nil && !strings.Contains(p.Text, "\n")
	case dockerfile.KindHeredoc, dockerfile.KindHeredocEnd:
		ok = p.In != nil
	default:
		ok = false
	}
	if !ok {
		t.Fatalf("a piece %q of kind %q", p.Text, p.Kind)
	}
	if n == nil {
		if p.In != nil {
			t.Fatalf("%q stands in an instruction that is none", p.Text)
		}
		return
	}
	if p.Span.Start.Line < n.StartLine || p.Span.End.Line > n.EndLine && (p.Span.End.Line > n.EndLine+1 || p.Span.End.Column > 1) {
		t.Fatalf("%q at %v is not on the lines %d to %d", p.Text, p.Span, n.StartLine, n.EndLine)
	}
}

// checkTokens slices the file at the spans of flags, words, elements, heredocs and go flags: pieces of that kind, and
// nothing but continuations and what may stand behind those, are there.
func checkTokens(t *testing.T, f *dockerfile.File, pieces []dockerfile.Piece) {
	t.Helper()
	within := func(s dockerfile.Span) (text string, kinds []dockerfile.Kind) {
		for _, p := range pieces {
			if p.Span.Start.Offset < s.Start.Offset || p.Span.End.Offset > s.End.Offset || s.Start == s.End {
				continue
			}
			switch p.Kind {
			case dockerfile.KindContinuation, dockerfile.KindLineEnd, dockerfile.KindComment, dockerfile.KindIndent, dockerfile.KindBlank:
				continue
			}
			text += p.Text
			if !slices.Contains(kinds, p.Kind) {
				kinds = append(kinds, p.Kind)
			}
		}
		return text, kinds
	}
	for _, in := range all(f) {
		for _, flag := range in.Flags {
			text, kinds := within(flag.Span)
			want := "--" + flag.Name
			if strings.Contains(text, "=") {
				want += "=" + flag.Value
			}
			if kinds[0] != dockerfile.KindFlagName || text != want && !strings.ContainsAny(text, `"'\`+"`") && strings.ToValidUTF8(text, "") == text {
				t.Fatalf("flag %q is %q, %v", want, text, kinds)
			}
		}
		for _, w := range in.Words {
			text, kinds := within(w.Span)
			if in.Keyword == "ONBUILD" || w.Span.Start == w.Span.End {
				continue
			}
			want := w.Value
			if in.JSON && in.Keyword != "HEALTHCHECK" {
				want = `"` + want + `"`
			}
			if len(kinds) != 1 || text != want && !strings.ContainsAny(text, `"'\`+"`") && in.Keyword != "ENV" && in.Keyword != "LABEL" &&
				strings.ToValidUTF8(text, "") == text {
				t.Fatalf("%s: word %q is %q, %v", in.Keyword, want, text, kinds)
			}
		}
		checkScript(t, f, in)
		for k, h := range in.Heredocs {
			if text, kinds := within(h.Span); text != "" && (len(kinds) != 1 || kinds[0] != dockerfile.KindHeredoc) {
				t.Fatalf("heredoc %d %q is %v", k, text, kinds)
			}
		}
	}
}

// checkScript slices the file at the spans of what a shell reads: words, assignments' commands, go's flags, mounts.
func checkScript(t *testing.T, f *dockerfile.File, in *dockerfile.Instruction) {
	t.Helper()
	plain := func(text string) bool { return !strings.ContainsAny(text, "\n\r\"'$`\\") }
	if script := in.Script(); script != nil {
		for _, c := range script.Commands {
			at := in.At(c.Span)
			inside(t, f, in.Span, at)
			for _, w := range c.Args {
				if text := f.Text(in.At(w.Span)); w.Literal && plain(text) && plain(w.Value) && text != w.Value {
					t.Fatalf("word %q of a command stands as %q", w.Value, text)
				}
			}
		}
	}
	if in.Run == nil {
		return
	}
	for _, b := range in.Run.Builds {
		for _, flag := range b.Flags {
			text := f.Text(flag.Span)
			if plain(text) && !strings.HasPrefix(text, "-"+flag.Name) && !strings.HasPrefix(text, "--"+flag.Name) {
				t.Fatalf("go flag %q stands as %q", flag.Name, text)
			}
			if plain(text) && !strings.HasSuffix(text, flag.Value) {
				t.Fatalf("go flag's value %q stands as %q", flag.Value, text)
			}
		}
	}
	for _, m := range in.Run.Mounts {
		if text := f.Text(m.Span); !strings.HasPrefix(text, "--") && plain(text) {
			t.Fatalf("a mount stands as %q", text)
		}
	}
}

func TestPieces(t *testing.T) {
	parsed := 0
	for name, src := range documents(t) {
		f, err := dockerfile.Parse(name, src, dockerfile.Options{})
		if err != nil {
			if strings.HasPrefix(name, "input") {
				t.Errorf("%s: %q: %v", name, src, err)
			}
			continue
		}
		t.Run(name, func(t *testing.T) { checkPieces(t, f); checkSpans(t, f) })
		parsed++
	}
	t.Logf("%d Dockerfiles", parsed)
	if parsed < 300 {
		t.Errorf("only %d Dockerfiles parse", parsed)
	}
}

// TestPiecesOfBuildKitsTests: what BuildKit's tests hold, too; fragments without FROM get one.
func TestPiecesOfBuildKitsTests(t *testing.T) {
	parsed, refused := 0, 0
	for name, src := range buildKitDocuments(t) {
		f, err := dockerfile.Parse(name, src, dockerfile.Options{})
		if err != nil {
			f, err = dockerfile.Parse(name, append([]byte("FROM scratch\n"), src...), dockerfile.Options{})
		}
		if err != nil {
			refused++
			t.Logf("%s: %v", filepath.Base(filepath.Dir(name)), err)
			continue
		}
		parsed++
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			checkPieces(t, f)
			checkSpans(t, f)
			checkBuildKit(t, f.Source)
		})
	}
	if parsed < 20 {
		t.Errorf("%d parse, %d are refused", parsed, refused)
	}
}

// TestPieceKinds shows the pieces of some texts, whole.
func TestPieceKinds(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"all kinds", "\xef\xbb\xbf# escape=\\\r\n# c\r\n\r\nFROM --platform=386 a AS b\r\n",
			`bom"\ufeff" directive"# escape=\\" line end"\r\n" comment"# c" line end"\r\n" line end"\r\n" keyword"FROM" blank" " ` +
				`flag name"--platform" flag equals"=" flag value"386" blank" " word"a" blank" " word"AS" blank" " word"b" line end"\r\n"`},
		{"continuation", "FROM a\n  RUN x \\ \n\n # c\n  y",
			`keyword"FROM" blank" " word"a" line end"\n" indent"  " keyword"RUN" blank" " shell"x " continuation"\\" blank" " line end"\n" ` +
				`line end"\n" indent" " comment"# c" line end"\n" shell"  y"`},
		{"json", "FROM a\nCMD [ \"x\", \"y\" ]\t\n",
			`keyword"FROM" blank" " word"a" line end"\n" keyword"CMD" blank" " punctuation"[" blank" " element"\"x\"" punctuation"," ` +
				`blank" " element"\"y\"" blank" " punctuation"]" blank"\t" line end"\n"`},
		{"heredoc", "FROM a\nCOPY -- <<-A /b\n\tx\n\tA\n",
			`keyword"FROM" blank" " word"a" line end"\n" keyword"COPY" blank" " flags end"--" blank" " word"<<-A" blank" " word"/b" ` +
				`line end"\n" heredoc"\tx\n" indent"\t" heredoc end"A" line end"\n"`},
		{"trigger", "FROM a\nONBUILD COPY --from=x y z\n",
			`keyword"FROM" blank" " word"a" line end"\n" keyword"ONBUILD" blank" " keyword"COPY" blank" " flag name"--from" flag equals"=" ` +
				`flag value"x" blank" " word"y" blank" " word"z" line end"\n"`},
		{"word over lines", "FROM a\nENV A=\"x\\\n# c\n y\"\n",
			`keyword"FROM" blank" " word"a" line end"\n" keyword"ENV" blank" " word"A=\"x" continuation"\\" line end"\n" comment"# c" ` +
				`line end"\n" word" y\"" line end"\n"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range mustParse(t, tt.src).Pieces() {
				got = append(got, fmt.Sprintf("%s%q", p.Kind, p.Text))
			}
			equal(t, "pieces", strings.Join(got, " "), tt.want)
		})
	}
}

// FuzzRender: the pieces of whatever parses are its bytes.
func FuzzRender(f *testing.F) {
	for _, src := range append(slices.Clone(inputs), nasty...) {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 10000 {
			return
		}
		if file, err := dockerfile.Parse("Dockerfile", src, dockerfile.Options{}); err == nil {
			checkPieces(t, file)
			checkSpans(t, file)
		}
	})
}
