// Package dockerfile reads a Dockerfile exactly as BuildKit does and keeps what BuildKit drops: byte-exact spans, and
// the bytes themselves. It also reads the build context with its .dockerignore, and the shell of RUN and shell-form
// commands.
//
// It must never build, run or fetch anything, never print a Dockerfile anew (edits are byte ranges), and never judge.
package dockerfile

// Position is a place in a file. The zero Position means unknown.
type Position struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // in bytes, from 1
	Offset int `json:"offset"` // in bytes, from 0, a byte order mark included
}

// Span is a range of bytes; End is exclusive. Source[Start.Offset:End.Offset] is the text.
type Span struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// IsZero reports whether the span is unknown.
func (s Span) IsZero() bool { return s.Start.Line == 0 }

// Options are what the user gives to a build.
type Options struct {
	BuildArgs map[string]string // --build-arg
	Target    string            // --target, "" is the last stage
	Platform  string            // TARGETPLATFORM, and BUILDPLATFORM too, "os/arch[/variant]"; "" is linux/amd64
	// Bases gives what a stage inherits from the config of its base image: ref is the name as Stage.Base has it,
	// platform is never "". nil, the function or what it gives, means that it is not known. It is asked about the stages
	// that the target needs.
	Bases func(ref, platform string) *Base
}

// File is one parsed Dockerfile. It is never changed after Parse returned it.
type File struct {
	Path     string
	Source   []byte
	Escape   byte           // '\\' or '`'
	Syntax   string         // of the syntax directive, "" if none
	MetaArgs []*Instruction // ARG before the first FROM
	Stages   []*Stage
	Options  Options
	// Warnings are BuildKit's own checks, in file order; those of CopyIgnoredFile need a context: see Ignored.
	Warnings []Warning
	// Missing are the build arguments without a value on which a FROM, a path or a user depends, in file order.
	Missing []Missing
	// Undeclared are the names of Options.BuildArgs that no ARG declares and no builder predefines, sorted.
	Undeclared []string

	deps    map[*Stage][]*Stage // stages that a stage needs by COPY --from or a mount, in order
	needed  map[*Stage]bool     // by the final stage
	table   *lineTable
	sources []contextSource // of COPY and ADD, for Ignored
}

// Stage is one FROM with the instructions below it.
type Stage struct {
	Index int
	Name  string // AS name, lower case, "" if none
	From  *Instruction
	// Base is the image name after expansion; "" when it cannot be known without a --build-arg. BaseRaw is as written.
	Base, BaseRaw string
	Platform      string // --platform after expansion, "" if none
	// Parent is the stage that Base names, nil when Base is an image or "scratch".
	Parent *Stage
	// Inherited is the config of the image that Base names, nil if Options.Bases does not know it.
	Inherited *Base
	// Triggers are the instructions that ONBUILD of the Parent or of the base image has left to this stage; they run
	// before Instructions. Each has this Stage and the Index 0.
	Triggers     []*Instruction
	Instructions []*Instruction // without FROM, ONBUILD triggers not expanded
	Span         Span           // from FROM to the end of the last instruction
	// Effective state at the end of the stage, inherited through Parent. What comes from a base image is in it if
	// Inherited of the Root is known; By is nil then.
	Env                       []EnvVar // in order of first definition
	Args                      []EnvVar // ARG in scope, by default value or --build-arg
	User, WorkDir, StopSignal Setting
	// ENTRYPOINT clears a CMD that the stage did not set itself: Cmd is then empty and By that ENTRYPOINT.
	Shell, Entrypoint, Cmd, Healthcheck Command
}

// Scratch reports whether the stage starts from nothing.
func (s *Stage) Scratch() bool { return s.Parent == nil && s.Base == "scratch" }

// Root is the stage at the bottom of the chain of Parents: the one whose Base is an image.
func (s *Stage) Root() *Stage {
	for s.Parent != nil {
		s = s.Parent
	}
	return s
}

// EnvVar is one variable with the place that set it last.
type EnvVar struct {
	Key, Value string
	Known      bool         // false when Value depends on something not known before the build
	By         *Instruction // ENV, ARG, or the ONBUILD of one (FROM for an image's); nil for the config of the base image
	Span       Span         // of the KEY=VALUE words
	ValueSpan  Span         // of the value as written
}

// Setting is a value with the instruction that set it; By is nil if nothing in the Dockerfile sets it.
type Setting struct {
	Value string // after expansion
	Known bool
	By    *Instruction
}

// Command is SHELL, ENTRYPOINT, CMD or HEALTHCHECK's command. By is nil if nothing in the Dockerfile sets it.
type Command struct {
	// Exec is true for the JSON form. Words are then the elements. For the shell form Words is one element: the text.
	Exec  bool
	Words []string
	None  bool // HEALTHCHECK NONE
	By    *Instruction
}

// Instruction is one instruction, or one ARG before FROM.
type Instruction struct {
	Stage   *Stage // nil for ARG before FROM
	Index   int    // within its stage; -1 for FROM
	Keyword string // upper case: "RUN"
	Span    Span   // the physical lines, from the keyword to the end of the last byte that belongs to it
	Flags   []Flag
	// Words are the arguments as BuildKit splits them, before expansion, each with its span: the JSON elements for
	// the exec form; sources and destination of COPY and ADD; KEY=VALUE pairs of ENV, ARG and LABEL ("ENV key value" is
	// one word too, of the value "key=value"); one word for the shell form and for what takes one argument.
	Words []Word
	JSON  bool // exec form
	// Text is the argument text as BuildKit sees it: continuations joined, comments gone. For a shell-form RUN with
	// a heredoc it is the first line.
	Text     string
	Heredocs []Heredoc
	Run      *Run  // for RUN
	Copy     *Copy // for COPY and ADD
	// OnBuild is the triggered instruction of an ONBUILD, unexpanded; Trigger is the same as an instruction, with neither
	// Run nor Copy: it is for the stages that start from this one.
	OnBuild string
	Trigger *Instruction
	// OnBuildOf is the ONBUILD that left this one of Stage.Triggers, nil if the base image did: the Span is zero then.
	OnBuildOf *Instruction

	line     *text         // the whole command line, joined, with the places of its bytes
	parts    commandParts  // of line
	joined   *text         // Text with the places of its bytes
	tokens   []token       // Words in joined
	oldPair  bool          // ENV key value, without =
	script   *text         // the shell text, nil if there is none
	parsed   *parsing      // of script; nil if there is nothing to parse
	bodies   []heredocText // of Heredocs
	blank    Span          // first blank line inside a continuation
	first    int           // first and last physical line, as BuildKit counts
	lastLine int
}

// Flag is --name=value or --name.
type Flag struct {
	Name, Value string // value before expansion
	Span        Span
}

// Word is one argument.
type Word struct {
	Value string // quotes and escapes removed as BuildKit does for that instruction; not expanded
	Span  Span
}

// Heredoc is one here-document.
type Heredoc struct {
	Name    string
	Content string // tabs stripped if <<-
	Expand  bool
	Span    Span // of the body lines, without the terminator
}

// Run is what RUN executes.
type Run struct {
	// Script is the shell text that runs; "" for the exec form. Map it to the file with Instruction.At.
	Script string
	// Exec is the exec form's words.
	Exec   []string
	Mounts []Mount
	// Builds are the go build and go install commands found in the script, in order; nil when there are none.
	// What builds behind make or a script is unknown: see Instruction.Hidden.
	Builds []GoBuild
}

// Mount is one --mount of RUN, after expansion.
type Mount struct {
	Type, Target, Source, From, ID string
	Env                            string // secret mounts: env=NAME
	Span                           Span
}

// GoBuild is a go build or go install command line.
type GoBuild struct {
	Verb     string            // "build" or "install"
	Dir      string            // the directory it runs in, as far as WORKDIR and cd tell; "" if unknown
	Output   string            // absolute path of -o, or of the default output; "" if unknown
	Env      map[string]string // what it sees of CGO_ENABLED, GOOS, GOARCH, GOFLAGS ..: ENV and ARG of the stage, exports and assignments of the line
	Unknown  []string          // names of such variables that are set, or may be, to a value that is not known; sorted
	Flags    []GoFlag
	Packages []string
	Span     Span // of the command in the file
}

// GoFlag is one flag of a go command.
type GoFlag struct {
	Name, Value string // "ldflags", `-extldflags "-static"` (quotes removed)
	Expanded    string // Value with its variables, "" if they are not known
	Known       bool
	HasValue    bool // a value is written, be it empty
	Span        Span // flag and value
}

// Flag returns the value of a flag and whether it is there.
func (b GoBuild) Flag(name string) (GoFlag, bool) {
	for _, f := range b.Flags {
		if f.Name == name {
			return f, true
		}
	}
	return GoFlag{}, false
}

// Copy is COPY or ADD.
type Copy struct {
	// From is the stage named by --from, FromImage the image it names if it is no stage. Both empty: the context.
	From      *Stage
	FromImage string
	Sources   []string // after expansion, heredocs left out
	Dest      string   // after expansion, absolute (joined with WORKDIR); "" if unknown
	// DestDir is true when Dest is a directory by BuildKit's rules (trailing slash, several sources).
	DestDir      bool
	Chown, Chmod string
	Excludes     []string
	Known        bool // false when a source or the destination depends on something unknown
}

// Parse parses src, which stands at path. A Dockerfile that BuildKit would refuse gives a *ParseError.
func Parse(path string, src []byte, opt Options) (*File, error) { return parse(path, src, opt) }

// ParseError is a Dockerfile that does not parse.
type ParseError struct {
	Path   string
	Span   Span
	Msg    string
	Source []byte // what does not parse
	// Ours is true when it may build all the same: it is larger than what is read here, has not the stage that
	// Options.Target names, or is written for another frontend than docker/dockerfile.
	Ours bool
}

func (e *ParseError) Error() string { return parseErrorText(e) }

// Final is the stage that --target names, or the last one.
func (f *File) Final() *Stage { return f.final() }

// Reachable reports whether building the final stage needs s: by FROM, COPY --from or a mount's from.
func (f *File) Reachable(s *Stage) bool { return f.needed[s] }

// Text is the source text of a span.
func (f *File) Text(s Span) string { return string(f.Source[s.Start.Offset:s.End.Offset]) }

// Origin follows a path of a stage's file system back to the instructions that put it there, nearest first:
// path "/app" of the final stage gives its COPY --from=build, then in stage build the RUN whose go build wrote the
// source path. It stops where it cannot tell, never guessing.
func (f *File) Origin(s *Stage, path string) []*Instruction { return f.origin(s, path) }

// Edit replaces the bytes of a span by New. Insertions have Start == End.
type Edit struct {
	Path string `json:"path,omitempty"` // file to edit, "" for the Dockerfile
	Span Span   `json:"span"`
	New  string `json:"new"`
}

// Apply applies edits that do not overlap; every byte outside them is kept. Overlaps are an error.
func Apply(src []byte, edits []Edit) ([]byte, error) { return apply(src, edits) }
