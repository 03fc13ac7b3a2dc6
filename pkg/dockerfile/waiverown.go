package dockerfile

import (
	"fmt"
	"strings"
	"time"
)

// own reads a comment of ours: "# imgaudit:ignore=RULE[,RULE] [reason=TEXT] [until=YYYY-MM-DD]", or ignore-file above
// the first FROM. One that begins like it and cannot be read is a waiver with a Fault: it was meant to be one.
func (c *comment) own() []Waiver {
	s := cursor{text: c.text}
	s.skip("#")
	s.blanks()
	if !s.fold("imgaudit") {
		return nil
	}
	colon := s.fold(":")
	if !colon && !(s.blanks() && s.fold("ignore")) {
		return nil // it only tells of imgaudit
	}
	w := c.waiver(StyleImgaudit, ScopeInstruction)
	if colon {
		w.Fault = c.readOwn(&s, &w)
	} else {
		w.Fault = "a colon stands between imgaudit and ignore: # imgaudit:ignore=RULE"
	}
	return []Waiver{w}
}

// readOwn reads what follows "imgaudit:" and says what is wrong with it.
func (c *comment) readOwn(s *cursor, w *Waiver) string {
	verb := s.until("= \t")
	switch {
	case verb != "ignore" && verb != "ignore-file":
		return fmt.Sprintf("imgaudit:%s is unknown; there are imgaudit:ignore= and imgaudit:ignore-file=", verb)
	case !s.fold("="):
		return fmt.Sprintf("imgaudit:%s names no rule: # imgaudit:%s=RULE", verb, verb)
	}
	w.Rules = c.words(s.list(ruleByte))
	if len(w.Rules) == 0 {
		return fmt.Sprintf("imgaudit:%s= names no rule", verb)
	}
	if fault := s.attributes(w); fault != "" {
		return fault
	}
	switch {
	case verb == "ignore-file" && (c.on == nil || c.on.Stage != nil && (c.on.Index >= 0 || c.on.Stage.Index > 0)):
		return "imgaudit:ignore-file= belongs above the first FROM"
	case verb == "ignore-file":
		w.Scope, w.On, w.Stage = ScopeFile, nil, nil
	case c.on == nil:
		return "no instruction follows that it could be about"
	case c.on.Keyword == "FROM":
		w.Scope = ScopeStage
	}
	return ""
}

// attributes reads reason= and until= to the end of the comment.
func (s *cursor) attributes(w *Waiver) string {
	for s.blanks(); !s.done(); s.blanks() {
		key := s.until("= \t")
		switch {
		case !s.fold("="):
			return fmt.Sprintf("%q is neither reason= nor until=", key)
		case key == "reason" && w.Reason == "":
			value, ok := s.value()
			if !ok {
				return "the quote of reason= is not closed"
			}
			w.Reason = strings.TrimSpace(value)
		case key == "until" && w.Until == "":
			value, _ := s.value()
			if _, err := time.Parse(time.DateOnly, value); err != nil {
				return fmt.Sprintf("until=%s is no date like 2027-01-31", value)
			}
			w.Until = value
		default:
			return fmt.Sprintf("%s= is not known here, or stands twice; there are reason= and until=", key)
		}
	}
	return ""
}

// value reads a quoted text, or what stands before the next attribute.
func (s *cursor) value() (string, bool) {
	if s.done() || s.text[s.at] != '"' && s.text[s.at] != '\'' {
		rest := s.text[s.at:]
		for _, next := range []string{" until=", "\tuntil=", " reason=", "\treason="} {
			if i := strings.Index(rest, next); i >= 0 {
				rest = rest[:i]
			}
		}
		s.at += len(rest)
		return strings.TrimSpace(rest), true
	}
	quote := s.text[s.at : s.at+1]
	value, _, closed := strings.Cut(s.text[s.at+1:], quote)
	s.at += 1 + len(value) + len(quote)
	return value, closed
}

// ruleByte are the bytes of a rule's name, misspelt ones included.
func ruleByte(b byte) bool {
	return b > ' ' && b != ',' && b != '#' && b != '=' && b != '"' && b < 0x7f
}

// cursor walks through a comment.
type cursor struct {
	text string
	at   int
}

func (s *cursor) done() bool { return s.at >= len(s.text) }

// blanks passes over spaces and tabs and reports whether there were any.
func (s *cursor) blanks() bool {
	from := s.at
	for !s.done() && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
	return s.at > from
}

// skip passes over every byte that is one of set.
func (s *cursor) skip(set string) {
	for !s.done() && strings.IndexByte(set, s.text[s.at]) >= 0 {
		s.at++
	}
}

// fold passes over a word, whatever its case, and reports whether it was there.
func (s *cursor) fold(word string) bool {
	if len(s.text)-s.at < len(word) || !strings.EqualFold(s.text[s.at:s.at+len(word)], word) {
		return false
	}
	s.at += len(word)
	return true
}

// exact passes over a word as it is written.
func (s *cursor) exact(word string) bool {
	if !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// until reads up to a byte of set, or the end.
func (s *cursor) until(set string) string {
	from := s.at
	for !s.done() && strings.IndexByte(set, s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[from:s.at]
}

// list reads names with commas between them, blanks around the commas allowed.
func (s *cursor) list(allowed func(byte) bool) []token {
	var out []token
	for {
		s.blanks()
		from := s.at
		for !s.done() && allowed(s.text[s.at]) {
			s.at++
		}
		if s.at > from {
			out = append(out, token{from, s.at})
		}
		mark := s.at
		s.blanks()
		if s.done() || s.text[s.at] != ',' {
			s.at = mark
			return out
		}
		s.at++
	}
}
