package dockerfile

// Piece is a part of a Dockerfile's text. The pieces of a file stand one behind the other and leave nothing out.
type Piece struct {
	Kind Kind
	Text string
	Span Span
	// In is the instruction on whose lines (Node.StartLine to Node.EndLine of BuildKit's tree) the piece stands, a
	// comment inside a continuation and the line end behind it included; nil between the instructions.
	In *Instruction
}

// Kind is what a Piece is.
type Kind string

// The kinds. What BuildKit joins to one word or command may be several pieces, since continuations, blank lines and
// comments stand inside it: the texts of an instruction's pieces without those are its line as BuildKit sees it.
const (
	KindBOM          Kind = "bom"
	KindDirective    Kind = "directive" // # escape=, # syntax=, # check=, where they count
	KindComment      Kind = "comment"   // from # to the end of the line
	KindLineEnd      Kind = "line end"  // LF or CRLF
	KindIndent       Kind = "indent"    // blanks before the first other byte of a line
	KindBlank        Kind = "blank"     // blanks elsewhere: between words, at the end of a line, on an empty line
	KindContinuation Kind = "continuation"
	KindKeyword      Kind = "keyword" // as written: "from"; of an ONBUILD's trigger too
	KindFlagName     Kind = "flag name"
	KindFlagEquals   Kind = "flag equals"
	KindFlagValue    Kind = "flag value"
	KindFlagsEnd     Kind = "flags end" // --
	KindWord         Kind = "word"
	KindElement      Kind = "element"     // of the JSON form, with its quotes
	KindPunctuation  Kind = "punctuation" // [ , ] of the JSON form
	KindShell        Kind = "shell"       // text that a shell reads; Instruction.Script has its commands
	KindHeredoc      Kind = "heredoc"     // all lines of a body
	KindHeredocEnd   Kind = "heredoc end" // the terminator
	KindOther        Kind = "other"       // no byte of a Dockerfile that parses is
)

// Pieces is the whole text of the file, cut into pieces. A Dockerfile that BuildKit refuses has no File, and so none:
// there is nothing to fix in what means nothing.
func (f *File) Pieces() []Piece { return f.cut() }

// Render puts pieces together again: Render(f.Pieces()) is f.Source.
func Render(pieces []Piece) []byte {
	n := 0
	for _, p := range pieces {
		n += len(p.Text)
	}
	out := make([]byte, 0, n)
	for _, p := range pieces {
		out = append(out, p.Text...)
	}
	return out
}
