package rules

import (
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// rewritten is a fix that replaces a span, nil if nothing changes or the span goes over several lines.
func rewritten(p *audit.Pass, title string, at dockerfile.Span, text string) *audit.Fix {
	if old := p.Dockerfile.Text(at); old == text || strings.Contains(old, "\n") {
		return nil
	}
	return &audit.Fix{Title: title, Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: at, New: text}}}
}

// fixStageName makes the name lower case: BuildKit has done that anyway.
func fixStageName(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	return rewritten(p, "Write the stage's name in lower case", w.Span, strings.ToLower(p.Dockerfile.Text(w.Span)))
}

// fixAs writes AS like FROM, unless FROM is to be written otherwise itself: that fix takes AS with it.
func fixAs(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	if warned(p, w.By, "ConsistentInstructionCasing") {
		return nil
	}
	as := "AS"
	if strings.HasPrefix(p.Dockerfile.Text(w.By.Span), "from") {
		as = "as"
	}
	return rewritten(p, "Write AS like FROM", w.Span, as)
}

// fixCasing writes the instruction like the others, and AS with FROM.
func fixCasing(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	cased := strings.ToUpper
	if strings.HasSuffix(w.Message, "(lowercase)") {
		cased = strings.ToLower
	}
	fix := rewritten(p, "Write the instruction like the others", w.Span, cased(p.Dockerfile.Text(w.Span)))
	if fix != nil && w.By.Keyword == "FROM" && len(w.By.Words) == 3 {
		at := w.By.Words[1].Span
		if as := p.Dockerfile.Text(at); as != cased(as) {
			fix.Edits = append(fix.Edits, dockerfile.Edit{Span: at, New: cased(as)})
		}
	}
	return fix
}

// fixTargetPlatform takes the flag away, with the blanks behind it.
func fixTargetPlatform(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	at, source := w.Span, p.Dockerfile.Source
	for at.End.Offset < len(source) && (source[at.End.Offset] == ' ' || source[at.End.Offset] == '\t') {
		at.End.Offset++
		at.End.Column++
	}
	return rewritten(p, "Leave --platform out", at, "")
}

var labelKey = lazyregexp.New(`^([A-Za-z_][A-Za-z0-9_.-]*)[ \t]+(.*)$`)

// fixLegacy writes key=value. A value with quotes or escapes is left alone, unless it is one string in double quotes: its
// words would come out otherwise.
func fixLegacy(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	m := labelKey.FindStringSubmatch(p.Dockerfile.Text(w.Span))
	if m == nil {
		return nil
	}
	value, inner := m[2], strings.TrimSuffix(strings.TrimPrefix(m[2], `"`), `"`)
	if strings.ContainsAny(inner, `'"\`+"`") || len(value)-len(inner) == 1 {
		return nil
	}
	if value == inner && (strings.ContainsAny(value, " \t") || value == "") {
		value = `"` + value + `"`
	}
	return rewritten(p, "Write "+m[1]+"=value", w.Span, m[1]+"="+value)
}

// fixProtocol makes the protocol lower case, where it is written out.
func fixProtocol(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	text := p.Dockerfile.Text(w.Span)
	port, protocol, ok := strings.Cut(text, "/")
	if !ok || strings.ContainsAny(text, `$:"'`) {
		return nil
	}
	return rewritten(p, "Write the protocol in lower case", w.Span, port+"/"+strings.ToLower(protocol))
}

// fixPort leaves the container's port.
func fixPort(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	text := p.Dockerfile.Text(w.Span)
	if strings.ContainsAny(text, `$"'`) || !strings.Contains(text, ":") {
		return nil
	}
	return rewritten(p, "Name the container's port only", w.Span, strings.ToLower(text[strings.LastIndex(text, ":")+1:]))
}

// fixEmptyLines removes the empty lines of an instruction; those of its heredocs stay.
func fixEmptyLines(p *audit.Pass, w dockerfile.Warning) *audit.Fix {
	source := string(p.Dockerfile.Source)
	end := w.By.Span.End.Offset
	if len(w.By.Heredocs) > 0 {
		end = w.By.Heredocs[0].Span.Start.Offset
	}
	var edits []dockerfile.Edit
	at, line := w.By.Span.Start.Offset, w.By.Span.Start.Line
	for at < end {
		n := strings.IndexByte(source[at:], '\n') + 1
		if n == 0 {
			break
		}
		if text := source[at : at+n]; strings.TrimSpace(text) == "" {
			edits = append(edits, dockerfile.Edit{Span: dockerfile.Span{
				Start: dockerfile.Position{Line: line, Column: 1, Offset: at},
				End:   dockerfile.Position{Line: line + 1, Column: 1, Offset: at + n},
			}})
		}
		at += n
		line++
	}
	if len(edits) == 0 {
		return nil
	}
	return &audit.Fix{Title: "Remove the empty lines", Safety: audit.Safe, Edits: edits}
}
