package dockerfile

// Script is a parsed shell text (a shell-form command, a RUN, an entrypoint script).
type Script struct {
	// Commands are the simple commands in order of appearance, nested ones included.
	Commands []ShellCommand
	// Params are the variables that it expands, in order of appearance.
	Params []ShellParam
	// Sets are the names of the variables that it may give a value itself, sorted; SetsAny is true when it may set
	// others too (eval, source).
	Sets    []string
	SetsAny bool
}

// ShellCommand is one simple command.
type ShellCommand struct {
	// Form is the shape in which the command stands, which decides whether a shell replaces itself by it.
	Form Form
	// Assigns are the assignments before the command (FOO=1 /app).
	Assigns []Assign
	// Args are its words, without a leading exec; a word that the shell must expand has Literal false.
	Args []ShellWord
	// Tail is true when nothing comes after the command, whatever stands around it: busybox ash replaces itself by any
	// such command, bash only for the forms simple, and, sequence, dash by none.
	Tail bool
	// Redirected is true when the command has redirections of its own (2>&1): bash then does not replace itself by it.
	Redirected bool
	// Hidden says why a failure of the command does not fail the script, Shown if it does.
	Hidden Hiding
	Span   Span // offsets within the script text; lines and columns too
}

// Assign is NAME=value.
type Assign struct {
	Name  string
	Value ShellWord
}

// ShellWord is one word.
type ShellWord struct {
	Value   string // quotes removed; for a word that is not literal, its source text
	Literal bool
	Span    Span
}

// Form is the shape of a command's surroundings.
type Form string

// The forms.
const (
	FormSimple   Form = "simple"   // it is the whole script: `/app -x`, redirections allowed
	FormAnd      Form = "and"      // the last of an && or || list that is the whole script: `cd /x && /app`
	FormSequence Form = "sequence" // the last of several statements: `mkdir /x; /app`
	FormExec     Form = "exec"     // `exec /app`: the shell is replaced
	FormEarly    Form = "early"    // something comes after it: `/app && true`, `/app; echo done`
	FormPipe     Form = "pipe"     // in a pipeline
	FormOther    Form = "other"    // in a loop, function, subshell, substitution, condition or the background
)

// ParseShell parses POSIX shell text (bash syntax is accepted).
func ParseShell(text string) (*Script, error) { return parseShell(text) }
