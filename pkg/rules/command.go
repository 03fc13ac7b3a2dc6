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
// command of literal words, and no CMD that the exec form would begin to pass as arguments.
func execFormFix(p *audit.Pass, in *dockerfile.Instruction) *audit.Fix {
	if in == nil || in.Keyword != "ENTRYPOINT" && in.Keyword != "CMD" {
		return nil
	}
	if in.Keyword == "ENTRYPOINT" && len(p.Dockerfile.Final().Cmd.Words) > 0 {
		return nil
	}
	return execForm(p, in, nil)
}

// execForm writes the one plain command of a shell form as the exec form; besides it the text may hold commands that
// besides accepts. Comments between continued lines would be lost: then there is none.
func execForm(p *audit.Pass, in *dockerfile.Instruction, besides func(dockerfile.ShellCommand) bool) *audit.Fix {
	script := in.Script()
	if in.JSON || script == nil || len(in.Words) == 0 || strings.Contains(p.Dockerfile.Text(in.Span), "\n") && strings.Contains(p.Dockerfile.Text(in.Span), "#") {
		return nil
	}
	var words []string
	for k, c := range script.Commands {
		switch {
		case k > 0 && besides != nil && besides(c):
			continue
		case k > 0 || c.Redirected || len(c.Assigns) > 0 || len(c.Args) == 0 || slices.Contains(shellOnly, c.Args[0].Value):
			return nil
		case besides == nil && c.Form != dockerfile.FormSimple && c.Form != dockerfile.FormExec:
			return nil
		}
		for _, a := range c.Args {
			if !a.Literal {
				return nil
			}
			words = append(words, quoteJSON(a.Value))
		}
	}
	if len(words) == 0 {
		return nil
	}
	at := in.Words[len(in.Words)-1].Span
	return fixOf("Use the exec form", audit.Safe, []dockerfile.Edit{{Span: at, New: "[" + strings.Join(words, ", ") + "]"}})
}

// execPrefixFix puts exec before the program that the shell starts last, so that the shell replaces itself by it: in the
// shell form, and in the text of ["sh", "-c", TEXT] that is written without escapes.
func execPrefixFix(p *audit.Pass, in *dockerfile.Instruction) *audit.Fix {
	c, text := p.Start.Command, p.Start.Text
	if in == nil || c == nil || len(c.Assigns) > 0 || len(c.Args) == 0 || !slices.Contains([]dockerfile.Form{dockerfile.FormSimple, dockerfile.FormAnd, dockerfile.FormSequence}, c.Form) {
		return nil
	}
	var at dockerfile.Span
	start := c.Span
	start.End = start.Start
	if in.JSON {
		k := slices.IndexFunc(in.Words, func(w dockerfile.Word) bool { return p.Dockerfile.Text(w.Span) == `"`+text+`"` })
		if k < 1 || !strings.HasPrefix(in.Words[k-1].Value, "-") || strings.Contains(text, `\`) {
			return nil
		}
		at = part(in.Words[k].Span, 1+start.Start.Offset, 1+start.Start.Offset)
	} else if in.Script() != nil && in.Text == text {
		at = in.At(start)
	}
	if at.IsZero() {
		return nil
	}
	return fixOf("Let the shell replace itself: exec", audit.Safe, []dockerfile.Edit{{Span: at, New: "exec "}})
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
