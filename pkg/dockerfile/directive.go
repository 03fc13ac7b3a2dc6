package dockerfile

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// directive is a directive at the top of a file up to its first blank, and the line it stands on; 0 if there is none. It
// is what parser.ParseDirective says, which looks through the file with a buffer of its own every time.
func directive(key string, src []byte) (value string, line int) {
	src = bytes.TrimPrefix(src, utf8BOM)
	n := 0
	if bytes.HasPrefix(src, []byte("#!")) {
		_, src, _ = bytes.Cut(src, []byte("\n"))
		n++
	}
	var p parser.DirectiveParser
	for len(src) > 0 && src[0] == '#' {
		var text []byte
		text, src, _ = bytes.Cut(src, []byte("\n"))
		n++
		if len(text) >= bufio.MaxScanTokenSize {
			break
		}
		d, err := p.ParseLine(bytes.TrimSuffix(text, []byte("\r")))
		if err != nil || d == nil {
			break
		}
		if d.Name == key {
			value, _, _ = strings.Cut(d.Value, " ")
			return value, n
		}
	}
	return "", 0
}

// syntaxOf is the frontend that a file asks for, "" if it asks for none: by a directive, or in a form that only frontends
// for other languages know.
func syntaxOf(src []byte) string {
	if value, line := directive("syntax", src); line > 0 {
		return value
	}
	rest := bytes.TrimPrefix(src, utf8BOM)
	if bytes.HasPrefix(rest, []byte("#!")) {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	if rest = bytes.TrimSpace(rest); bytes.HasPrefix(rest, []byte("//")) || bytes.HasPrefix(rest, []byte("{")) {
		value, _, _, _ := parser.DetectSyntax(src)
		return value
	}
	return ""
}
