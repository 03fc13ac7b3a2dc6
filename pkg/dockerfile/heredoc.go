package dockerfile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// heredocs fills in.Heredocs from the lines that follow the command line, and gives the first line after them. The
// body is in the file byte by byte, line ends included, as parser.Parse keeps it.
func (r *reader) heredocs(in *Instruction, nodes []parser.Heredoc, line int) int {
	for _, h := range nodes {
		body := textBuilder{table: r.table}
		first, _ := r.table.bounds(line)
		terminator := token{r.table.size, r.table.size}
		for ; line <= len(r.table.starts); line++ {
			start, end := r.lineText(line)
			for h.Chomp && start < end && r.file.Source[start] == '\t' {
				start++
			}
			if string(r.file.Source[start:end]) == h.Name {
				terminator = token{start, end}
				break
			}
			_, next := r.table.bounds(line)
			body.add(r.file.Source, start, next)
		}
		last, _ := r.table.bounds(line)
		line++
		content := body.text()
		in.Heredocs = append(in.Heredocs, Heredoc{
			Name: h.Name, Content: content.s, Expand: h.Expand, Span: r.table.span(first, last),
		})
		in.bodies = append(in.bodies, heredocText{
			content: content, raw: r.raw(first, last), terminator: r.raw(terminator.start, terminator.end), end: terminator,
		})
	}
	return line
}

// heredocText is a heredoc with the places of its bytes: content without leading tabs if they are stripped, raw with
// them.
type heredocText struct {
	content, raw, terminator *text
	end                      token // of the terminator, in the source
}

// raw is a range of the source as a text.
func (r *reader) raw(start, end int) *text {
	t := textBuilder{table: r.table}
	t.add(r.file.Source, start, end)
	return t.text()
}

// shellText is the text that a shell runs for the shell form of RUN, CMD, ENTRYPOINT and HEALTHCHECK, nil for
// everything else. For RUN with heredocs it is composed like dispatchRun in dockerfile2llb/convert.go does: a lone
// heredoc is the script itself, otherwise the shell gets the line, the bodies and the terminators.
func (i *Instruction) shellText() *text {
	if i.JSON {
		return nil
	}
	switch i.Keyword {
	case "HEALTHCHECK":
		if sep := byteSpace(i.Text); sep > 0 && strings.EqualFold(i.Text[:sep], "cmd") {
			cmd := trimmed(i.joined.s, sep, len(i.joined.s))
			return i.joined.slice(cmd.start, cmd.end)
		}
		return nil
	case "CMD", "ENTRYPOINT":
		return i.joined
	case "RUN":
	default:
		return nil
	}
	if len(i.bodies) == 0 {
		return i.joined
	}
	if h, err := parser.ParseHeredoc(i.Text); err == nil && h != nil {
		if interpreter(i.bodies[0].content.s) == "" {
			return nil
		}
		return i.bodies[0].content
	}
	t := textBuilder{table: i.joined.table}
	t.concat(i.joined)
	for _, b := range i.bodies {
		t.insert("\n")
		t.concat(b.raw)
		t.concat(b.terminator)
	}
	return t.text()
}

// shells are the names of the shells whose text we can read.
var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "zsh": true, "mksh": true}

// interpreter names the shell that runs a script: "sh" if it has no #! line, "" if that names something else.
func interpreter(script string) string {
	line, ok := strings.CutPrefix(script, "#!")
	if !ok {
		return "sh"
	}
	line, _, _ = strings.Cut(line, "\n")
	for _, word := range strings.Fields(line) {
		name := word[strings.LastIndexByte(word, '/')+1:]
		if name == "env" || strings.HasPrefix(name, "-") {
			continue
		}
		if shells[name] {
			return name
		}
		return ""
	}
	return ""
}
