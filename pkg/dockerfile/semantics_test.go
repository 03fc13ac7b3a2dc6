package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestSemantics takes one by one what BuildKit makes of texts that other readers of Dockerfiles get wrong. Each case
// gives the instructions as "KEYWORD flags words" and is checked for its pieces too.
func TestSemantics(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"comment and blank line inside a continuation", "FROM a\nRUN b \\\n # c\n\n d\nUSER 1", "RUN [b  d] | USER [1]"},
		{"backtick escapes", "# escape=`\nFROM a\nCOPY x c:\\\nRUN b `\n c\n", `COPY [x c:\] | RUN [b  c]`},
		{"escape behind a comment is none", "# c\n# escape=`\nFROM a\nRUN b \\\n c\n", "RUN [b  c]"},
		{"stage index", "FROM a\nFROM b\nCOPY --from=0 c d\n", "COPY --from=0 [c d]"},
		{"instructions in a heredoc", "FROM a\nRUN <<E\nFROM x\n# text\nend \\\nE\nUSER 1\n", "RUN [<<E] <E FROM x;# text;end \\;> | USER [1]"},
		{"tabs of heredocs", "FROM a\nCOPY <<-A <<-\"B\" /d/\n\t\tx\n\t y\n\tA\n\tz\n\tB\n", "COPY [<<-A <<-B /d/] <A x; y;> <B z;>!"},
		{"one heredoc of several look-alikes", "FROM a\nRUN cat <<E <<<h \"<<E\" $((1<<2))\nx\nE\n", "RUN [cat <<E <<<h \"<<E\" $((1<<2))] <E x;>"},
		{"mark and carriage returns", "\xef\xbb\xbfFROM a\r\nRUN b \\\r\n  c\r\nRUN <<E\r\nd\r\nE\r\n", "RUN [b   c] | RUN [<<E] <E d\r;>"},
		{"arrays that are none", "FROM a\nCMD ['/a']\nCMD [\"a\",]\nCMD [\"a\"] && b\n", "CMD [['/a']] | CMD [[\"a\",]] | CMD [[\"a\"] && b]"},
		{"flags of COPY", "FROM a AS x\nFROM a\nCOPY --link --chmod=u=rwX --parents --exclude=e --chown=1 --from=x s d\n",
			"COPY --link --chmod=u=rwX --parents --exclude=e --chown=1 --from=x [s d]"},
		{"flags of RUN", "FROM a\nRUN --mount=type=secret,id=s,env=E --mount=type=ssh --network=none --security=insecure x\n",
			"RUN --mount=type=secret,id=s,env=E --mount=type=ssh --network=none --security=insecure [x]"},
		{"health checks", "FROM a\nHEALTHCHECK --start-interval=1s --retries=2 CMD x\nHEALTHCHECK NONE\n", "HEALTHCHECK --start-interval=1s --retries=2 [CMD x] | HEALTHCHECK [NONE]"},
		{"several arguments on a line", "FROM a\nARG a b=1 c\n", "ARG [a b=1 c]"},
		{"lower case", "from a as Base\nfrom base\ncopy --from=BASE b c\n", "COPY --from=BASE [b c]"},
		{"heredoc named with a backslash expands", "FROM a\nCOPY <<-\\E /x\n$V\nE\n", "COPY [<<-E /x] <E $V;>"},
		{"bare instructions", "FROM a\nRUN\nCMD\n", "RUN [] | CMD []"},
		{"long line", "FROM a\nRUN " + strings.Repeat("x", 65536) + "\n", "refused: Dockerfile:2: dockerfile line greater than max allowed size of 65535"},
		{"continuation with blanks, at the end", "FROM a\nRUN b \\ \t\n c \\", "RUN [b  c]"},
		{"heredoc without an end", "FROM a\nRUN <<E\nx\n", "refused: Dockerfile:2: unterminated heredoc"},
		{"heredoc behind a continuation, comment behind it", "FROM a\nRUN cat \\\n <<E\nx\nE\n# c\nUSER 1\n", "RUN [cat  <<E] <E x;> | USER [1]"},
		{"directive of another comment style", "//syntax=x\nFROM a\n", "refused: Dockerfile:1: unknown instruction: //syntax=x"},
		{"directive in JSON", "{\"syntax\":\"x\"}\nFROM a\n", "refused: Dockerfile:1: unknown instruction: {\"syntax\":\"x\"}"},
		{"shebang", "#!/bin/x\n# syntax=y\nFROM a\nUSER 1\n", "USER [1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := dockerfile.Parse("Dockerfile", []byte(tt.src), dockerfile.Options{})
			if err != nil {
				equal(t, "refusal", "refused: "+err.Error(), tt.want)
				return
			}
			equal(t, "instructions", showInstructions(f), tt.want)
			checkPieces(t, f)
		})
	}
}

// showInstructions lists the instructions of the final stage.
func showInstructions(f *dockerfile.File) string {
	var out []string
	for _, in := range f.Final().Instructions {
		line := in.Keyword
		for _, flag := range in.Flags {
			line += " --" + flag.Name
			if flag.Value != "" {
				line += "=" + flag.Value
			}
		}
		line += " [" + strings.ReplaceAll(values(in.Words), " | ", " ") + "]"
		for _, h := range in.Heredocs {
			line += fmt.Sprintf(" <%s %s>", h.Name, strings.ReplaceAll(h.Content, "\n", ";"))
			if !h.Expand {
				line += "!"
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, " | ")
}

// FuzzEdits: whatever pieces of a Dockerfile are replaced, those between them stay byte for byte.
func FuzzEdits(f *testing.F) {
	for k, src := range append(append([]string(nil), inputs...), nasty...) {
		f.Add([]byte(src), []byte{byte(k), 3, 1, 0}, "x\r\n#")
	}
	f.Fuzz(func(t *testing.T, src, picks []byte, text string) {
		if len(src) > 10000 || len(text) > 100 {
			return
		}
		file, err := dockerfile.Parse("Dockerfile", src, dockerfile.Options{})
		if err != nil {
			return
		}
		pieces := file.Pieces()
		var edits []dockerfile.Edit
		at := 0
		for k, step := range picks {
			if at += int(step); at >= len(pieces) {
				break
			}
			edits = append(edits, dockerfile.Edit{Span: pieces[at].Span, New: text[:k%(len(text)+1)]})
			pieces[at].Text = edits[len(edits)-1].New
			at++
		}
		for i, j := 0, len(edits)-1; i < j; i, j = i+1, j-1 { // their order is of no importance
			edits[i], edits[j] = edits[j], edits[i]
		}
		got, err := dockerfile.Apply(src, edits)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "edited", string(got), string(dockerfile.Render(pieces)))
	})
}
