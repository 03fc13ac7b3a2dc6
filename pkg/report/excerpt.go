package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// excerpt prints the blamed lines with a marker, or says why there are none.
func (t *text) excerpt(f *audit.Finding) {
	if f.Location == nil {
		because := f.Blame.Because
		if because == "" {
			because = "it cannot be told"
		}
		t.line("    %s %s%s", t.dim("which line: unknown,"), printable(because), layerText(f.Layer))
		return
	}
	l := f.Location
	head := fmt.Sprintf("%s:%d", l.File, l.Line)
	if f.Blame.Kind == audit.BlameBase {
		head += " (" + f.Blame.Because + ")"
	}
	t.line("    %s", t.dim("--> ")+printable(head))
	for _, x := range excerptLines(t.linesOf(f.Subject, l.File), l) {
		number := fmt.Sprintf("%4d", x.number)
		if !x.blamed {
			t.line("    %s |  %s", t.dim(number), printable(x.text))
			continue
		}
		t.line("    %s | %s%s", t.bold(number), t.red(">"), t.bold(printable(x.text)))
		if x.marker != "" {
			t.line("         |  %s", t.red(x.marker))
		}
	}
}

func layerText(l *audit.LayerRef) string {
	if l == nil {
		return ""
	}
	s := fmt.Sprintf("; layer %d", l.Index)
	if l.CreatedBy != "" {
		s += ": " + shorten(l.CreatedBy, 80)
	}
	return printable(s)
}

func shorten(s string, most int) string {
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// shown is one line of an excerpt.
type shown struct {
	number int
	text   string
	blamed bool
	marker string // carets under a part of the line, "" when the whole line is meant
}

// linesOf are the lines of a subject's file, nil if it is not there; those asked for last are kept.
func (t *text) linesOf(subject int, file string) [][]byte {
	source := t.report.sources[subject][file]
	if source == nil {
		return nil
	}
	if t.split.subject != subject || t.split.file != file || t.split.lines == nil {
		t.split = split{subject, file, bytes.Split(source, []byte("\n"))}
	}
	return t.split.lines
}

// split is a file's lines.
type split struct {
	subject int
	file    string
	lines   [][]byte
}

// excerptLines are the blamed lines, at most six and a last one, and where only part of one line is meant carets under it.
func excerptLines(lines [][]byte, l *audit.Location) []shown {
	const most = 6
	if l.Line < 1 || l.Line > len(lines) {
		return nil
	}
	end := min(l.EndLine, len(lines))
	if l.EndColumn == 1 && end > l.Line {
		end-- // the span ends with a line break
	}
	var out []shown
	for n := l.Line; n <= end; n++ {
		if len(out) == most && n < end {
			out = append(out, shown{number: n, text: fmt.Sprintf("... %d more lines", end-n+1)})
			break
		}
		out = append(out, shown{number: n, text: strings.TrimRight(string(lines[n-1]), "\r"), blamed: true})
	}
	if len(out) == 1 {
		out[0].marker = carets(out[0].text, l)
	}
	return out
}

// carets underlines the columns of a one-line location, "" if they cover the line.
func carets(line string, l *audit.Location) string {
	from, to := l.Column-1, l.EndColumn-1
	if from < 0 || to > len(line) || from >= to || strings.TrimSpace(line[:from]) == "" && strings.TrimSpace(line[to:]) == "" {
		return ""
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:from])
	return pad + strings.Repeat("^", len([]rune(line[from:to])))
}
