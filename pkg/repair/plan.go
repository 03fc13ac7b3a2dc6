package repair

import (
	"cmp"
	"io/fs"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Plan is what a Dockerfile must do, before it is text: stages of steps, each step with the needs it serves.
type Plan struct {
	Before string   // text that stands in front of all, as it stood in the file that the plan was made from
	Head   []string // comments at the top of the file
	Args   []Step   // ARG before the first FROM
	Stages []Stage
	// Ignore are the lines of the ignore file, nil to leave it as it is.
	Ignore []Pattern
	// Safety says whether an image built from the plan surely serves as the one before, for a plan made from a Dockerfile.
	Safety audit.Safety
	// Notes are what a person must know and the file does not say, one line each.
	Notes []string
	// EOL is how lines end, "" for a line feed.
	EOL string
}

// Stage is one FROM with its steps.
type Stage struct {
	Name     string // AS name, "" if none
	From     string // an image, scratch or the name of a stage above
	Platform string // --platform, "" if none
	Serves   []string
	Steps    []Step
	Lower    bool   // keywords are written in lower case, as the file has them
	Verbatim string // the FROM as it stood; From and Platform are empty then
}

// Step is one instruction.
type Step struct {
	Keyword string
	Flags   []string // "--from=build"
	// Words are the arguments: commands for RUN, which run one after the other while they succeed; the elements for a JSON form.
	Words []string
	JSON  bool
	// Serves are the needs it serves, or why else it is there: one comment line each.
	Serves []string
	// Verbatim is the text of an instruction that was taken over as it stood, with the comments above it; the rest is empty then.
	Verbatim string
}

// Pattern is one line of the ignore file.
type Pattern struct {
	Text   string // "**/.git", "!testdata/page.html"; "" for a comment alone
	Serves string // the comment above it, "" if it goes with the line before
}

// run is a RUN step.
func run(serves string, flags []string, commands ...string) Step {
	return Step{Keyword: "RUN", Flags: flags, Words: commands, Serves: why(serves)}
}

// line is any other step in shell form.
func line(serves, keyword string, words ...string) Step {
	return Step{Keyword: keyword, Words: words, Serves: why(serves)}
}

// copyFrom copies one path out of a stage.
func copyFrom(serves, stage, from, to string) Step {
	return Step{Keyword: "COPY", Flags: []string{"--from=" + stage}, Words: []string{from, to}, Serves: why(serves)}
}

// exec is a step in JSON form.
func exec(serves, keyword string, words ...string) Step {
	return Step{Keyword: keyword, Words: words, JSON: true, Serves: why(serves)}
}

func why(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// add appends steps.
func (s *Stage) add(steps ...Step) { s.Steps = append(s.Steps, steps...) }

// Images are the images that the plan names, in order, each once.
func (p *Plan) Images() []string {
	var all []string
	names := map[string]bool{"scratch": true}
	for _, s := range p.Stages {
		if !names[s.From] {
			all = append(all, s.From)
			names[s.From] = true
		}
		names[s.Name] = true
	}
	return all
}

// Pin adds digests to images, by name.
func (p *Plan) Pin(digests map[string]string) {
	for i, s := range p.Stages {
		if d := digests[s.From]; d != "" && s.From != "scratch" && !strings.Contains(s.From, "@") {
			p.Stages[i].From = s.From + "@" + d
		}
	}
}

// Context is the build context as a builder sees it with the plan's ignore file, whose name is "" for the usual one.
func (p *Plan) Context(root fs.FS, ignore string) (*dockerfile.Context, error) {
	files := map[string][]byte{}
	if text := p.Dockerignore(); text != nil {
		files[cmp.Or(ignore, ".dockerignore")] = text
	}
	return dockerfile.NewContext("", &overlay{FS: root, files: files}, strings.TrimSuffix(ignore, ".dockerignore"))
}
