package repair

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Dockerfile writes the plan as text.
func (p *Plan) Dockerfile() []byte {
	var w bytes.Buffer
	w.WriteString(p.Before)
	writeComments(&w, p.Head)
	if len(p.Head) > 0 && len(p.Args) > 0 {
		w.WriteString("\n")
	}
	for _, a := range p.Args {
		a.write(&w, false)
	}
	for i, s := range p.Stages {
		if i > 0 || len(p.Head)+len(p.Args) > 0 {
			w.WriteString("\n")
		}
		s.write(&w)
	}
	return p.ends(w.Bytes())
}

// Dockerignore writes the ignore file, nil when the plan leaves it alone.
func (p *Plan) Dockerignore() []byte {
	if p.Ignore == nil {
		return nil
	}
	var w bytes.Buffer
	for _, i := range p.Ignore {
		if i.Serves != "" {
			writeComments(&w, []string{i.Serves})
		}
		if i.Text != "" {
			w.WriteString(i.Text + "\n")
		}
	}
	return p.ends(w.Bytes())
}

// ends gives the lines their end. Kept text may have it already.
func (p *Plan) ends(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if p.EOL == "" || p.EOL == "\n" {
		return text
	}
	return bytes.ReplaceAll(text, []byte("\n"), []byte(p.EOL))
}

func writeComments(w *bytes.Buffer, lines []string) {
	for _, l := range lines {
		w.WriteString(strings.TrimRight("# "+l, " ") + "\n")
	}
}

func (s Stage) write(w *bytes.Buffer) {
	writeComments(w, s.Serves)
	from, as := "FROM ", " AS "
	if s.Lower {
		from, as = "from ", " as "
	}
	if s.Verbatim != "" {
		w.WriteString(s.Verbatim)
	} else {
		w.WriteString(from)
		if s.Platform != "" {
			w.WriteString("--platform=" + s.Platform + " ")
		}
		w.WriteString(s.From)
		if s.Name != "" {
			w.WriteString(as + s.Name)
		}
	}
	w.WriteString("\n")
	for _, step := range s.Steps {
		step.write(w, s.Lower)
	}
}

// indent stands before each continued line.
const indent = " \\\n    "

func (s Step) write(w *bytes.Buffer, lower bool) {
	if s.Keyword == "" {
		if text := strings.TrimRight(s.Verbatim, "\r\n"); text != "" {
			w.WriteString(text + "\n")
		}
		return
	}
	writeComments(w, s.Serves)
	if lower {
		w.WriteString(strings.ToLower(s.Keyword) + " ")
	} else {
		w.WriteString(s.Keyword + " ")
	}
	if s.Keyword == "RUN" {
		w.WriteString(strings.Join(append(append([]string{}, s.Flags...), strings.Join(s.Words, " &&"+indent)), indent) + "\n")
		return
	}
	if len(s.Flags) > 0 {
		w.WriteString(strings.Join(s.Flags, " ") + " ")
	}
	w.WriteString(s.arguments() + "\n")
}

func (s Step) arguments() string {
	switch {
	case s.JSON && s.Keyword == "HEALTHCHECK":
		return "CMD " + jsonWords(s.Words)
	case s.JSON, s.Keyword == "COPY" && strings.ContainsAny(strings.Join(s.Words, ""), " \t"):
		return jsonWords(s.Words)
	}
	return strings.Join(s.Words, " ")
}

// jsonWords is a JSON list as people write it, <, > and & not escaped.
func jsonWords(words []string) string {
	var out []string
	for _, word := range words {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(word); err != nil { // a string always has a JSON form
			continue
		}
		out = append(out, strings.TrimSuffix(b.String(), "\n"))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
