package repair

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// MultiStage plans the whole Dockerfile anew where the stage that builds the program is shipped: that stage stays as it
// is, under a name, and a second one takes the program, the files of the build context that no build reads, and all that
// says how the service runs: ENV, EXPOSE, LABEL, VOLUME, USER, STOPSIGNAL, HEALTHCHECK, ENTRYPOINT and CMD, word by word
// with their comments. The second stage starts from the distribution of the first, so that the program finds its libc and
// a shell form its shell.
//
// It is done only where every command of the stage is understood; the error says which is not. The plan is safe when a
// binary shows that the program needs nothing that is left behind, else unsafe.
func MultiStage(s *audit.Subject) (*Plan, error) {
	if s.Dockerfile == nil || s.Dockerfile.Final() == nil {
		return nil, errors.New("there is no Dockerfile")
	}
	m := &splitter{s: s, f: s.Dockerfile, final: s.Dockerfile.Final(), plan: &Plan{Safety: audit.Unsafe}}
	for _, step := range []func() error{m.admit, m.findStart, m.sort, m.pickFiles, m.facts} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	m.write()
	return m.plan, nil
}

// splitter is the work on one Dockerfile.
type splitter struct {
	s     *audit.Subject
	f     *dockerfile.File
	final *dockerfile.Stage
	plan  *Plan
	start start

	musl     bool
	name     string   // of the build stage
	packages []string // that the run needs
	prepare  []string // commands of RUNs that prepare directories and users
	files    []string // paths of the stage that the run needs
	dropped  bool     // files of the context are left behind that are neither Go nor made for the build alone
	moved    map[*dockerfile.Instruction]bool
	repeated map[*dockerfile.Instruction]bool // in both stages
	generate []Step                           // further steps of the build stage
	needs    []Step                           // what provides for needs in the final stage
}

// refuse is the error that a line is not understood.
func (m *splitter) refuse(in *dockerfile.Instruction, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", in.Span.Start.Line, fmt.Sprintf(format, args...))
}

// admit checks that the stage is of the kind that can be split.
func (m *splitter) admit() error {
	from := m.final.From
	switch {
	case m.final != m.f.Stages[len(m.f.Stages)-1]:
		return m.refuse(from, "stages stand below the one that is shipped")
	case m.final.Parent != nil:
		return m.refuse(from, "the stage starts from another one, %s", m.final.BaseRaw)
	case m.final.Base == "":
		return m.refuse(from, "the base image %s is not known without its build argument", m.final.BaseRaw)
	case repository(m.final.Base) != "golang":
		return m.refuse(from, "%s is no golang image: what the program needs of it is not known", m.final.Base)
	case strings.Contains(m.final.Base, "windows") || strings.Contains(m.final.Base, "nanoserver"):
		return m.refuse(from, "%s is a Windows image", m.final.Base)
	case m.f.Escape != '\\':
		return m.refuse(from, "the file has an escape directive of its own")
	case m.s.Context == nil:
		return errors.New("without the build context, which of its files the program reads cannot be told")
	}
	if i := slices.IndexFunc(m.final.Instructions, func(in *dockerfile.Instruction) bool {
		return slices.Contains([]string{"ONBUILD", "SHELL", "MAINTAINER"}, in.Keyword)
	}); i >= 0 {
		in := m.final.Instructions[i]
		return m.refuse(in, "%s is not understood well enough to be moved", in.Keyword)
	}
	m.musl = strings.Contains(m.final.Base, "alpine")
	m.name = m.final.Name
	for n := 0; m.name == "" || m.final.Name == "" && m.taken(m.name); n++ {
		m.name = []string{"build", "builder", "build-stage", "imgaudit-build"}[min(n, 3)]
		if n > 3 {
			return errors.New("every name for the build stage is taken")
		}
	}
	return nil
}

func (m *splitter) taken(name string) bool {
	return slices.ContainsFunc(m.f.Stages, func(s *dockerfile.Stage) bool { return s.Name == name })
}

// base is the image of the stage that is shipped.
func (m *splitter) base() string {
	switch {
	case m.musl:
		return muslBase
	case strings.Contains(m.final.Base, "bookworm"):
		return oldBase
	}
	return glibcBases[0].image
}

// buildOnly are prefixes of variables that only the go command reads.
var buildOnly = []string{"GO111MODULE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOFLAGS", "GOOS", "GOARCH", "GOARM", "GOAMD64",
	"GOPATH", "GOBIN", "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN", "GOTMPDIR", "GOVCS", "GOWORK", "CGO_", "CC", "CXX", "PKG_CONFIG"}

// sort decides for each instruction of the stage whether it stays, is moved, or stands in both stages.
func (m *splitter) sort() error {
	m.moved, m.repeated = map[*dockerfile.Instruction]bool{}, map[*dockerfile.Instruction]bool{}
	for _, in := range m.final.Instructions {
		switch in.Keyword {
		case "EXPOSE", "VOLUME", "LABEL", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD":
			m.moved[in] = true
		case "USER":
			if m.owns(in) {
				return m.refuse(in, "what the stage makes below belongs to this user, who may write there when the service runs")
			}
			m.repeated[in] = in == m.final.User.By
		case "ENV":
			m.repeated[in] = slices.ContainsFunc(in.Words, func(w dockerfile.Word) bool {
				key, _, _ := strings.Cut(w.Value, "=")
				return !slices.ContainsFunc(buildOnly, func(p string) bool { return key == p || strings.HasSuffix(p, "_") && strings.HasPrefix(key, p) }) && !(key == "PATH" && strings.Contains(w.Value, "go"))
			})
		case "RUN":
			if err := m.sortRun(in); err != nil {
				return err
			}
		case "COPY", "ADD":
			if in.Keyword == "ADD" && slices.ContainsFunc(in.Copy.Sources, func(s string) bool { return strings.Contains(s, "://") || isArchive(s) }) {
				return m.refuse(in, "ADD fetches or unpacks something, which the program may need")
			}
			if in.Copy.Chown != "" && in.Copy.From == nil && in.Copy.FromImage == "" {
				return m.refuse(in, "it gives files to %s, who may write there when the service runs", in.Copy.Chown)
			}
			if len(in.Heredocs) > 0 {
				m.repeated[in] = true
			}
			if in.Copy.From != nil || in.Copy.FromImage != "" {
				m.repeated[in] = true
			}
		}
	}
	return m.sortArgs()
}

// owns reports whether files are made below a USER that is not root.
func (m *splitter) owns(user *dockerfile.Instruction) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(user.Text), ":")
	return name != "root" && name != "0" && slices.ContainsFunc(m.final.Instructions[user.Index+1:], func(in *dockerfile.Instruction) bool {
		return slices.Contains([]string{"RUN", "COPY", "ADD", "WORKDIR"}, in.Keyword)
	})
}

// sortArgs repeats the ARGs whose values instructions of the second stage take.
func (m *splitter) sortArgs() error {
	text := ""
	for _, in := range m.final.Instructions {
		if m.moved[in] && in.Keyword != "CMD" && in.Keyword != "ENTRYPOINT" || m.repeated[in] {
			text += m.f.Text(in.Span) + "\n"
		}
	}
	for _, in := range m.final.Instructions {
		if in.Keyword != "ARG" {
			continue
		}
		for _, w := range in.Words {
			name, _, _ := strings.Cut(w.Value, "=")
			if strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name) {
				m.repeated[in] = true
			}
		}
	}
	return m.health()
}

// health checks that the command of HEALTHCHECK will be there.
func (m *splitter) health() error {
	h := m.final.Healthcheck
	if h.By == nil || h.None || len(h.Words) == 0 {
		return nil
	}
	words := h.Words
	if !h.Exec {
		script, err := dockerfile.ParseShell(h.Words[0])
		if err != nil || len(script.Commands) == 0 {
			return m.refuse(h.By, "its command is not understood")
		}
		for _, c := range script.Commands {
			if len(c.Args) == 0 || !c.Args[0].Literal {
				return m.refuse(h.By, "its command is not understood")
			}
			if err := m.healthCommand(h.By, c.Args[0].Value); err != nil {
				return err
			}
		}
		return nil
	}
	return m.healthCommand(h.By, words[0])
}

func (m *splitter) healthCommand(in *dockerfile.Instruction, command string) error {
	switch base := path.Base(command); {
	case m.absolute(command) == m.start.program, slices.Contains([]string{"exit", "true", "test", "[", "echo"}, base):
	case base == "curl" && !m.musl, base == "wget" && !m.musl:
		m.packages = append(m.packages, base, "ca-certificates")
	case m.musl && slices.Contains(applets, base):
	case slices.Contains([]string{"sh", "cat", "grep", "ls", "test"}, base):
	default:
		return m.refuse(in, "the health check runs %s, and where that comes from is not known", command)
	}
	return nil
}

// absolute is a path as seen from the working directory.
func (m *splitter) absolute(name string) string {
	if path.IsAbs(name) || !strings.Contains(name, "/") {
		return name
	}
	return path.Join(cmp.Or(m.final.WorkDir.Value, "/"), name)
}

func isArchive(name string) bool {
	return slices.ContainsFunc([]string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"}, func(ext string) bool { return strings.HasSuffix(name, ext) })
}
