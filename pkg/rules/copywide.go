package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var copyTooWide = &audit.Rule{
	ID:       "copy-too-wide",
	Title:    "a whole directory of the build stage is copied into the image",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "COPY --from into the final image, out of a stage that builds with Go, of its root, of /root, /home, /usr or the Go installation, of GOPATH or its module cache, or of the directory that the source was copied into and built in. A stage from scratch that others fill, and a directory that only go build writes to, are meant to be copied whole.",
		Why:    "The image then holds the sources, the module and build caches or the Go toolchain besides the program: hundreds of megabytes, and whatever secret lay there during the build.",
		Unless: "The program reads files of that directory at run time; then name those, too.",
	},
	Check: checkCopyWide,
}

func checkCopyWide(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Copy == nil || in.Copy.From == nil || !in.Copy.Known || stageReach(p, stage) != ships || len(in.Copy.Excludes) > 0 {
			return
		}
		from := in.Copy.From
		if from.Root().Scratch() || buildsGo(from) == nil && !isGolang(from.Root().Base) {
			return
		}
		for k, src := range in.Copy.Sources {
			if strings.ContainsAny(src, "*?[") || k < len(in.Words) && path.Join("/", src) == "/" && strings.Contains(in.Words[k].Value, "$") {
				continue // arg-out-of-scope says that a variable is empty
			}
			what, by := holds(from, path.Join("/", src))
			if what == "" {
				continue
			}
			at := in.Span
			if k < len(in.Words) {
				at = in.Words[k].Span
			}
			f := audit.Finding{
				Message:  fmt.Sprintf("COPY --from=%s takes %s: it brings %s", flagValue(in, "from"), path.Join("/", src), what),
				Evidence: []audit.Evidence{p.At(by, "it is there by this line")},
				Remedy:   "Name the files that the image needs, such as the program that go build writes",
				Fix:      artefactFix(p, stage, in, path.Join("/", src)),
			}
			p.Report(p.BlameSpan(in, at).Of(f))
			return
		}
	})
}

// holds says what a directory of a build stage brings besides the program, with the line that put it there; "" if it is
// no such directory.
func holds(from *dockerfile.Stage, dir string) (what string, by *dockerfile.Instruction) {
	root := from.Root().From
	golang := isGolang(from.Root().Base)
	switch dir {
	case "/":
		return "everything that the stage has", root
	case "/root", "/home":
		return "the home directory with its caches", root
	case "/usr", "/usr/local", "/usr/local/go":
		if golang {
			return "the Go toolchain", root
		}
	case "/go", "/go/pkg", "/go/pkg/mod":
		if in := fetchesModules(from); golang && in != nil {
			return "the module cache", in
		}
	}
	if in := sourceIn(from, dir); in != nil {
		return "the sources", in
	}
	return "", nil
}

// fetchesModules is a RUN of a stage that leaves modules in the layer: it runs go without a mount over them. nil if there
// is none.
func fetchesModules(from *dockerfile.Stage) *dockerfile.Instruction {
	for _, in := range steps(from) {
		if in.Run != nil && mountOver(in, "/go/pkg/mod/cache") == nil && (len(in.Run.Builds) > 0 || downloads(in)) {
			return in
		}
	}
	return nil
}

// sourceIn is the COPY of the whole context into a directory, or below it, in which go build then runs; nil if there is
// none.
func sourceIn(from *dockerfile.Stage, dir string) *dockerfile.Instruction {
	for _, in := range steps(from) {
		if in.Copy == nil || in.Copy.From != nil || in.Copy.FromImage != "" || !in.Copy.Known || in.Copy.Dest == "" || !takesAll(in) || !below(dir, in.Copy.Dest) {
			continue
		}
		for _, step := range steps(from) {
			if step.Run != nil && slices.ContainsFunc(step.Run.Builds, func(b dockerfile.GoBuild) bool { return b.Dir != "" && below(in.Copy.Dest, b.Dir) }) {
				return in
			}
		}
	}
	return nil
}

// artefactFix names the program in place of the directory. Only where it is all that the directory was copied for: one
// go build writes it there, the final stage starts it, and, to be safe, the sources around it are known to be such.
func artefactFix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, dir string) *audit.Fix {
	if len(in.Words) != 2 || in.JSON || dir == "/" || len(in.Heredocs) > 0 || strings.Contains(flagValue(in, "parents"), "true") || slices.ContainsFunc(in.Flags, func(f dockerfile.Flag) bool { return f.Name == "parents" }) {
		return nil
	}
	program := programIn(in.Copy.From, dir)
	if program == "" {
		return nil
	}
	rest := strings.TrimPrefix(program, strings.TrimSuffix(dir, "/")+"/")
	if startedFile(p.Dockerfile.Final()) != path.Join(in.Copy.Dest, rest) {
		return nil
	}
	for _, other := range p.Dockerfile.Stages { // another COPY or RUN may read what came along
		for _, o := range other.Instructions {
			if stageReach(p, other) == ships && o != in && o.Run != nil && o.Index > in.Index || o.Copy != nil && o.Copy.From == stage {
				return nil
			}
		}
	}
	src, dest := in.Words[0], in.Words[1]
	if p.Dockerfile.Text(src.Span) != src.Value || p.Dockerfile.Text(dest.Span) != dest.Value || strings.Contains(src.Value+dest.Value, "$") {
		return nil
	}
	fix := &audit.Fix{Title: "Copy the program alone", Safety: audit.Unsafe, Edits: []dockerfile.Edit{
		{Span: src.Span, New: program},
		{Span: dest.Span, New: strings.TrimSuffix(dest.Value, "/") + "/" + rest},
	}}
	if onlySource(p, in.Copy.From, dir) {
		fix.Safety = audit.Safe
	}
	return fix
}

// programIn is the program that the only go build of a stage writes into a directory; "" if that is not known.
func programIn(from *dockerfile.Stage, dir string) string {
	program, n := "", 0
	for _, in := range steps(from) {
		if in.Run == nil {
			continue
		}
		for _, b := range in.Run.Builds {
			if program = b.Output; b.Env["GOOS"] != "" && b.Env["GOOS"] != "linux" {
				return ""
			}
			n++
		}
	}
	if n != 1 || strings.HasSuffix(program, "/") || program == dir || !below(dir, program) {
		return ""
	}
	return program
}

// startedFile is the absolute path of the program that a stage starts in exec form, "" if that is not known.
func startedFile(s *dockerfile.Stage) string {
	c := s.Entrypoint
	if len(c.Words) == 0 {
		c = s.Cmd
	}
	if !c.Exec || len(c.Words) == 0 || strings.Contains(c.Words[0], "$") {
		return ""
	}
	name := c.Words[0]
	switch {
	case path.IsAbs(name):
		return path.Clean(name)
	case !strings.Contains(name, "/"): // by PATH
		return ""
	case s.WorkDir.By == nil && s.Root().Scratch():
		return path.Join("/", name)
	case !s.WorkDir.Known || s.WorkDir.Value == "":
		return ""
	}
	return path.Join(s.WorkDir.Value, name)
}

// onlySource reports whether all that a directory of a stage holds besides the program is what no program reads at run
// time: the files of the context there are sources, and the RUNs write nothing else there.
func onlySource(p *audit.Pass, from *dockerfile.Stage, dir string) bool {
	if p.Context == nil || p.Module == nil {
		return false
	}
	for _, in := range steps(from) {
		switch {
		case in.Copy != nil && in.Copy.Covers(dir), in.Copy != nil && below(dir, in.Copy.Dest):
			if in.Copy.From != nil || in.Copy.FromImage != "" || len(in.Heredocs) > 0 {
				return false
			}
			files, err := p.Context.Taken(in, 0)
			if err != nil || slices.ContainsFunc(files, func(name string) bool { return !isSource(name) }) {
				return false
			}
		case in.Run != nil:
			s := in.Script()
			if s == nil || slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool {
				return c.Redirected || c.Args[0].Value == "mkdir" || c.Args[0].Value == "go" && len(c.Args) > 1 && (c.Args[1].Value == "generate" || c.Args[1].Value == "run") ||
					c.Args[0].Value != "go" && !slices.Contains(plainCommands, c.Args[0].Value)
			}) {
				return false
			}
		}
	}
	return true
}

// isSource reports whether a file of the context is one that go or a person reads and no program at run time.
func isSource(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{".go", ".mod", ".sum", ".work", ".md"}, path.Ext(base)) ||
		slices.Contains([]string{"Dockerfile", "Containerfile", ".dockerignore", ".gitignore", ".gitattributes", ".editorconfig", ".golangci.yml", ".golangci.yaml", "LICENSE", "Makefile", "go.work.sum"}, base) ||
		strings.HasPrefix(name, ".git/") || strings.HasPrefix(name, ".github/") || strings.HasPrefix(name, "vendor/")
}
