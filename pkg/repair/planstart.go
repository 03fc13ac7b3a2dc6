package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// start is how the service is started.
type start struct {
	program string // where the program stands in the stage that builds it
	to      string // where it stands in the stage that is shipped
	by      *dockerfile.Instruction
	command []string // what starts it, when that changes: go run becomes a program
}

// rebuilders are programs of development that build the service when its source changes.
var rebuilders = []string{"air", "reflex", "CompileDaemon", "fresh", "gin", "realize", "modd", "wgo", "nodemon", "dlv", "arelo", "gow"}

// findStart finds the program that the stage starts.
func (m *splitter) findStart() error {
	command, other := m.final.Entrypoint, m.final.Cmd
	if command.By == nil || len(command.Words) == 0 {
		command, other = m.final.Cmd, dockerfile.Command{}
	}
	if command.By == nil || len(command.Words) == 0 {
		return m.refuse(m.final.From, "the stage has neither ENTRYPOINT nor CMD: nothing is started")
	}
	m.start.by = command.By
	words := command.Words
	if command.Exec && len(words) > 2 && slices.Contains([]string{"sh", "bash", "ash"}, path.Base(words[0])) && words[1] == "-c" {
		command.Exec, words = false, words[2:3]
	}
	if !command.Exec {
		var err error
		if words, err = m.shellWords(command.By, words[0]); err != nil {
			return err
		}
	}
	name := words[0]
	switch {
	case slices.Contains(rebuilders, path.Base(name)):
		return m.refuse(command.By, "the image is for development: %s builds the program while it runs", path.Base(name))
	case name == "go" && len(words) > 1 && words[1] == "run":
		return m.goRun(command, words[2:], other)
	case name == "go":
		return m.refuse(command.By, "the service is the go command itself")
	}
	return m.program(command.By, name)
}

// shellWords reads a shell form that starts one program.
func (m *splitter) shellWords(in *dockerfile.Instruction, text string) ([]string, error) {
	script, err := dockerfile.ParseShell(text)
	if err != nil || len(script.Commands) != 1 || len(script.Commands[0].Args) == 0 || !script.Commands[0].Args[0].Literal {
		return nil, m.refuse(in, "it does more than to start one program")
	}
	var words []string
	for _, a := range script.Commands[0].Args {
		word := a.Value
		if !a.Literal {
			word = "$" // whatever it is, it is no word that decides
		}
		words = append(words, word)
	}
	return words, nil
}

// searched are the directories of PATH in which a build may put a program, and of both stages.
var searched = []string{"/go/bin", "/usr/local/go/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"}

// program finds the program by its name as it is started.
func (m *splitter) program(in *dockerfile.Instruction, name string) error {
	var outputs []string
	unknown := false
	for _, r := range m.final.Instructions {
		if r.Run == nil {
			continue
		}
		for _, b := range r.Run.Builds {
			if b.Verb == "install" && b.Output == "" && b.Env["GOBIN"] == "" && !slices.Contains(b.Unknown, "GOBIN") {
				b.Output = "/go/bin/" // the official images set GOPATH=/go
			}
			outputs = append(outputs, b.Output)
			unknown = unknown || b.Output == "" || strings.HasSuffix(b.Output, "/")
		}
		unknown = unknown || runs(r, "make") || runs(r, "mv") || runs(r, "cp") || runs(r, "ln")
	}
	if !m.final.WorkDir.Known && m.final.WorkDir.By != nil {
		return m.refuse(m.final.WorkDir.By, "the working directory is not known")
	}
	if strings.Contains(name, "/") {
		m.start.program = m.absolute(name)
		m.start.to = m.start.program
		if slices.Contains(outputs, m.start.program) || unknown && m.notInContext(m.start.program) {
			return nil
		}
		return m.refuse(in, "no go build of the stage writes %s", m.start.program)
	}
	for _, o := range outputs {
		if strings.HasSuffix(o, "/") && slices.ContainsFunc(m.mains(), func(x source.Main) bool { return x.Name == name }) {
			o += name
		}
		if path.Base(o) == name && slices.Contains(searched, path.Dir(o)) {
			m.start.program, m.start.to = o, o
			if !slices.Contains(searched[2:], path.Dir(o)) {
				m.start.to = "/usr/local/bin/" + name // the shipped stage has no Go directories in its PATH
			}
			return nil
		}
	}
	return m.refuse(in, "where %s comes from is not known", name)
}

// mains are the main packages of the build context.
func (m *splitter) mains() []source.Main {
	all, err := source.Mains(m.s.Context.FS)
	if err != nil {
		return nil // no module in its root
	}
	return all
}

// notInContext reports whether no COPY brings a path: a script would be started otherwise.
func (m *splitter) notInContext(name string) bool {
	for _, in := range m.final.Instructions {
		if in.Copy == nil {
			continue
		}
		files, err := m.lands(in)
		if err != nil {
			return false
		}
		for _, to := range files {
			if to == name {
				return false
			}
		}
	}
	return true
}

// goRun has the build stage build what is compiled at each start now.
func (m *splitter) goRun(command dockerfile.Command, words []string, other dockerfile.Command) error {
	in := command.By
	var flags, packages, args []string
	for i, w := range words {
		switch {
		case strings.Contains(w, "$"):
			return m.refuse(in, "go run gets a variable, and a program would be started without a shell")
		case len(packages) == 0 && strings.HasPrefix(w, "-"):
			if !strings.Contains(w, "=") && !slices.Contains([]string{"-race", "-v", "-trimpath"}, w) {
				return m.refuse(in, "the flag %s of go run is not understood", w)
			}
			flags = append(flags, quoted(w))
		case len(packages) == 0 || strings.HasSuffix(packages[len(packages)-1], ".go") && strings.HasSuffix(w, ".go"):
			packages = append(packages, w)
		default:
			args = append(args, words[i:]...)
		}
		if args != nil {
			break
		}
	}
	switch {
	case len(packages) == 0:
		return m.refuse(in, "go run is told no package")
	case strings.Contains(packages[0], "@"):
		return m.refuse(in, "go run fetches %s when the service starts", packages[0])
	case slices.Contains(flags, "-race"):
		return m.refuse(in, "go run -race is for tests")
	case other.By != nil && !other.Exec:
		return m.refuse(other.By, "its words would be read by a shell no more")
	}
	name := "app"
	if m.s.Module != nil && m.s.Module.Path != "" {
		name = path.Base(m.s.Module.Path)
	}
	out := path.Join(outDir, name)
	var quotedPackages []string
	for _, p := range packages {
		quotedPackages = append(quotedPackages, quoted(p))
	}
	m.generate = append(m.generate, run("what go run would compile at each start", nil,
		strings.Join(slices.Concat([]string{"go", "build"}, flags, []string{"-o", quoted(out)}, quotedPackages), " ")))
	m.start.program, m.start.to = out, "/usr/local/bin/"+name
	m.start.command = append([]string{m.start.to}, args...)
	return nil
}

// runs reports whether a RUN runs a command.
func runs(in *dockerfile.Instruction, name string) bool {
	script := in.Script()
	return script != nil && slices.ContainsFunc(script.Commands, func(c dockerfile.ShellCommand) bool {
		return len(c.Args) > 0 && path.Base(c.Args[0].Value) == name
	})
}
