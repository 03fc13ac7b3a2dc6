package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Commands of a RUN by what they leave behind that a running service needs: nothing, or something that can be done in
// the shipped stage as well. Of any other command that is not known.
var (
	leavesNothing = strings.Fields(`go make cd rm ls echo printf true set export pwd cat test [ sleep env gofmt golangci-lint staticcheck swag wire sqlc
		protoc buf mockgen templ upx strip update-ca-certificates ldconfig git find du head tail which`)
	repeatable = strings.Fields("mkdir chown chmod addgroup adduser groupadd useradd touch")
	moves      = []string{"mv", "cp", "ln"} // they may put the program where it is started
)

// buildPackages are packages that only a build needs.
var buildPackages = strings.Fields(`gcc g++ make git build-base build-essential musl-dev libc-dev libc6-dev linux-headers pkg-config pkgconf pkgconfig
	binutils autoconf automake cmake upx protobuf-compiler protoc binutils-gold gnupg mercurial subversion openssh-client openssh upx-ucl binutils-dev`)

// sortRun decides what of a RUN the shipped stage needs.
func (m *splitter) sortRun(in *dockerfile.Instruction) error {
	script := in.Script()
	if script == nil || script.SetsAny {
		return m.refuse(in, "RUN is no shell text that can be read")
	}
	for _, c := range script.Commands {
		if len(c.Args) == 0 {
			continue
		}
		if !c.Args[0].Literal {
			return m.refuse(in, "it runs a command whose name is not known")
		}
		name := path.Base(c.Args[0].Value)
		switch {
		case name == "apt-get" || name == "apt" || name == "apk":
			if err := m.install(in, c); err != nil {
				return err
			}
		case slices.Contains(repeatable, name):
			if err := m.repeat(in, c, name); err != nil {
				return err
			}
		case slices.Contains(leavesNothing, name), slices.Contains(moves, name):
		default:
			return m.refuse(in, "it runs %s, and which of the files that leaves the program needs is not known", name)
		}
	}
	return nil
}

// install collects the packages that the run needs out of an installation.
func (m *splitter) install(in *dockerfile.Instruction, c dockerfile.ShellCommand) error {
	args := c.Args[1:]
	verb := slices.IndexFunc(args, func(w dockerfile.ShellWord) bool { return !strings.HasPrefix(w.Value, "-") })
	if verb < 0 || args[verb].Value != "install" && args[verb].Value != "add" {
		return nil // update, upgrade, clean, del
	}
	for _, a := range args {
		if strings.HasPrefix(a.Value, "--virtual") || a.Value == "-t" || strings.HasPrefix(a.Value, "--repository") || a.Value == "-X" {
			return m.refuse(in, "packages are installed in a way that is not understood")
		}
	}
	for _, a := range args[verb+1:] {
		name, _, _ := strings.Cut(a.Value, "=")
		switch {
		case !a.Literal:
			return m.refuse(in, "it installs packages whose names are not known")
		case strings.HasPrefix(name, "-"), slices.Contains(buildPackages, name):
		case strings.HasSuffix(name, "-dev"), strings.HasSuffix(name, "-devel"):
			return m.refuse(in, "it installs %s, and which library the program then needs at run time is not known", name)
		default:
			m.packages = append(m.packages, a.Value)
		}
	}
	return nil
}

// repeat takes a command over that prepares a directory or a user.
func (m *splitter) repeat(in *dockerfile.Instruction, c dockerfile.ShellCommand, name string) error {
	if slices.Contains([]string{"addgroup", "adduser"}, name) && !m.musl {
		return m.refuse(in, "%s is no part of a slim Debian image: useradd and groupadd are", name)
	}
	if c.Form == dockerfile.FormOther || c.Form == dockerfile.FormPipe || c.Redirected || slices.ContainsFunc(c.Args, func(a dockerfile.ShellWord) bool { return !a.Literal }) {
		return m.refuse(in, "%s stands in a way that is not understood", name)
	}
	if name == "mkdir" && !slices.ContainsFunc(c.Args[1:], func(a dockerfile.ShellWord) bool { return a.Value == "-p" }) {
		name = "mkdir -p" // the directory may come with a COPY
	}
	words := []string{name}
	for _, a := range c.Args[1:] {
		if name == "chmod" || name == "chown" {
			if at := m.absolute("./" + a.Value); path.IsAbs(a.Value) && a.Value == m.start.program || at == m.start.program && name == "chmod" {
				return nil // modes are copied with the program
			}
		}
		words = append(words, quoted(a.Value))
	}
	if inGopath(words) {
		return nil
	}
	m.prepare = append(m.prepare, strings.Join(words, " "))
	return nil
}

// inGopath reports whether a command is about the directories of the go command alone.
func inGopath(words []string) bool {
	touched := false
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "/go/") || strings.HasPrefix(w, "/root/.cache") || strings.HasPrefix(w, outDir+"/") {
			touched = true
		} else if strings.HasPrefix(w, "/") {
			return false
		}
	}
	return touched
}
