package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// startCause blames the ENTRYPOINT or CMD that says what PID 1 is.
func startCause(p *audit.Pass) audit.Cause {
	if p.Dockerfile == nil || p.Dockerfile.Final() == nil {
		return p.BlameSetting(nil, "the entrypoint")
	}
	final := p.Dockerfile.Final()
	if final.Entrypoint.By != nil && len(final.Entrypoint.Words) > 0 {
		return p.BlameSetting(final.Entrypoint.By, "ENTRYPOINT")
	}
	return p.BlameSetting(final.Cmd.By, "CMD")
}

// execFormFix turns a shell-form ENTRYPOINT or CMD into the exec form where its words need no shell: one plain
// command of literal words on one line, and no CMD that the exec form would begin to pass as arguments.
func execFormFix(p *audit.Pass, in *dockerfile.Instruction) *audit.Fix {
	if in == nil || in.JSON || in.Span.Start.Line != in.Span.End.Line || in.Keyword != "ENTRYPOINT" && in.Keyword != "CMD" {
		return nil
	}
	if in.Keyword == "ENTRYPOINT" && len(p.Dockerfile.Final().Cmd.Words) > 0 {
		return nil
	}
	script, err := dockerfile.ParseShell(in.Text)
	if err != nil || len(script.Commands) != 1 {
		return nil
	}
	c := script.Commands[0]
	if c.Form != dockerfile.FormSimple && c.Form != dockerfile.FormExec || c.Redirected || len(c.Assigns) > 0 {
		return nil
	}
	var words []string
	for _, a := range c.Args {
		if !a.Literal {
			return nil
		}
		words = append(words, quoteJSON(a.Value))
	}
	if len(words) == 0 || slices.Contains(shellOnly, c.Args[0].Value) {
		return nil
	}
	text := p.Dockerfile.Text(in.Span)
	args := strings.TrimLeft(text[len(in.Keyword):], " \t")
	at := in.Span
	skip := len(text) - len(args)
	at.Start.Offset += skip
	at.Start.Column += skip
	return &audit.Fix{
		Title:  "Use the exec form",
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: at, New: "[" + strings.Join(words, ", ") + "]"}},
	}
}

// shellOnly are commands that only a shell runs.
var shellOnly = []string{".", ":", "cd", "eval", "exit", "export", "set", "source", "trap", "ulimit", "umask", "unset", "wait"}

func quoteJSON(s string) string {
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSpace(b.String())
}
