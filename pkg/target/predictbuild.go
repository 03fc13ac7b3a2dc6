package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// output is a program that a go build of a stage writes; it is built when something copies it.
type output struct {
	at      string // where the stage has it; a directory with a slash at its end
	stage   *dockerfile.Stage
	in      *dockerfile.Instruction
	build   dockerfile.GoBuild
	tree    *layers.FS // the stage before it
	owner   owner
	workdir string
	hazy    []string // trees of which nothing is known
	lowest  int      // the number of layers of the base image
}

// origin is what is known of a program that was built here.
type origin struct {
	goroot string // of the Dockerfile's own toolchain, "" if not known
	file   layers.File
}

// alone puts the programs that were built here into a subject whose image is not known but for its config.
func (m *made) alone(s *audit.Subject, c layers.Config) {
	if m.lost != "" {
		return // who knows what became of them
	}
	argv := slices.Concat(c.Entrypoint, c.Cmd)
	for _, at := range slices.Sorted(maps.Keys(m.built)) {
		o := m.built[at]
		b, err := binary.Read(bytes.NewReader(o.file.Data), int64(len(o.file.Data)), at)
		if err != nil {
			s.Unread = append(s.Unread, audit.Unread{What: at, Because: reason(err)})
			continue
		}
		prog := &audit.Program{Binary: b, Predicted: true}
		if len(argv) > 0 && strings.Contains(argv[0], "/") {
			prog.Entry = argv[0] == at || !path.IsAbs(argv[0]) && path.Join("/", m.workdir, argv[0]) == at
		}
		o.correct(prog)
		addProgram(s, prog)
	}
}

// correct gives a program what it would have if the Dockerfile's toolchain had built it.
func (o origin) correct(prog *audit.Program) {
	if prog.Go != nil && prog.Go.GOROOT != "" {
		prog.Go.GOROOT = o.goroot
	}
}

// builder has the go command build programs.
type builder struct {
	tools *source.Toolchain
	err   error
	asked bool
}

func (b *builder) toolchain(p *predictor) (*source.Toolchain, error) {
	if !b.asked {
		b.asked = true
		b.tools, b.err = source.FindToolchain(p.ctx)
	}
	return b.tools, b.err
}

// outputs notes the programs that a RUN builds.
func (p *predictor) outputs(s *dockerfile.Stage, m *made, in *dockerfile.Instruction) {
	tree, err := m.tree()
	if err != nil {
		return
	}
	for _, b := range in.Run.Builds {
		id := tree.Identity(m.user)
		if name, _, _ := strings.Cut(m.user, ":"); id.Err != "" || within(m.hazy, "/etc") != nil && strings.Trim(name, "0123456789") != "" && name != "root" {
			m.lose(in, "who "+m.user+" is")
			return
		}
		o := &output{at: b.Output, stage: s, in: in, build: b, tree: tree, owner: owner{id.UID, id.GID}, workdir: m.workdir, hazy: slices.Clone(m.hazy)}
		if m.base != nil {
			o.lowest = len(m.base.Layers)
		}
		if o.at == "" {
			o.at = p.usualOutput(o)
		}
		if o.at == "" {
			m.lose(in, "where go build writes the program is not known")
			return
		}
		for _, mount := range in.Run.Mounts {
			t := mount.Target
			if !path.IsAbs(t) {
				t = path.Join("/", m.workdir, t)
			}
			if mount.Type != "secret" && mount.Type != "ssh" && (o.at == t || strings.HasPrefix(o.at, strings.TrimSuffix(t, "/")+"/")) {
				o = nil // it is gone when the RUN ends
				break
			}
		}
		if o != nil {
			m.outputs[o.at] = o
		}
	}
}

// usualOutput is where go build without -o writes the program of the module in its directory, "" if that is not known.
func (p *predictor) usualOutput(o *output) string {
	if _, ok := o.build.Flag("o"); ok || o.build.Verb != "build" || o.build.Dir == "" || len(o.build.Packages) > 1 ||
		len(o.build.Packages) == 1 && o.build.Packages[0] != "." {
		return ""
	}
	sub, err := fs.Sub(o.tree, orDot(strings.TrimPrefix(o.build.Dir, "/")))
	if err != nil {
		return ""
	}
	m, err := source.ReadModule(sub)
	if err != nil || m.Path == "" {
		return ""
	}
	return path.Join(o.build.Dir, source.Executable(m.Path))
}

// realize builds the programs that a COPY from the stage takes, and says why what else it takes is not known.
func (p *predictor) realize(from *made, copied string) error {
	name := path.Clean("/" + copied)
	dir := name
	if k := strings.IndexAny(name, `*?[`); k >= 0 {
		dir = path.Dir(name[:k] + "x")
	}
	exact := false
	for _, at := range slices.Sorted(maps.Keys(from.outputs)) {
		o := from.outputs[at]
		clean := strings.TrimSuffix(at, "/")
		inside := strings.HasPrefix(clean, strings.TrimSuffix(dir, "/")+"/") || clean == dir
		holds := strings.HasSuffix(at, "/") && path.Dir(name) == clean
		if !inside && !holds {
			continue
		}
		files, made, err := p.build(o)
		if err != nil {
			return err
		}
		delete(from.outputs, at)
		from.added = append(from.added, layers.Addition{Step: layers.Step{CreatedBy: "go build"}, Files: files})
		for _, f := range files {
			made.file = f
			from.built["/"+f.Path] = made
			exact = exact || "/"+f.Path == name
		}
	}
	if _, ok := from.built[name]; ok || exact {
		return nil
	}
	return from.sure(copied)
}

// maxProgram is the largest program that is taken into memory, in bytes.
const maxProgram = 1 << 30

// build has the local go command build what a line builds, if that is the same program.
func (p *predictor) build(o *output) ([]layers.File, origin, error) {
	fail := func(err error) ([]layers.File, origin, error) {
		return nil, origin{}, fmt.Errorf("the program that line %d builds: %w", o.in.Span.Start.Line, err)
	}
	if !p.opt.Build {
		return fail(errors.New("it is built here only with --build"))
	}
	t, err := p.builder.toolchain(p)
	if err != nil {
		return fail(err)
	}
	line, err := p.lineOf(o, t)
	if err != nil {
		return fail(err)
	}
	tmp, err := os.MkdirTemp("", "imgaudit-build-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(tmp)
	src, out := filepath.Join(tmp, "src"), filepath.Join(tmp, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fail(err)
	}
	dir, err := p.lay(o, src)
	if err != nil {
		return fail(err)
	}
	if err := p.sameLibrary(o, t, line, dir); err != nil {
		return fail(err)
	}
	if err := t.Build(p.ctx, dir, out, line); err != nil {
		return fail(errors.New(strings.ReplaceAll(err.Error(), src, "")))
	}
	files, err := o.programs(out)
	if err == nil {
		err = ownLibraries(files)
	}
	if err != nil {
		return fail(err)
	}
	return files, origin{goroot: o.goroot()}, nil
}

// programs takes what was built, as it will stand in the stage.
func (o *output) programs(dir string) ([]layers.File, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it has no main package")
	}
	if !strings.HasSuffix(o.at, "/") && len(list) != 1 {
		return nil, errors.New("it is several programs")
	}
	var files []layers.File
	for _, e := range list {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(f, maxProgram+1))
		f.Close()
		if err != nil {
			return nil, err
		}
		if len(b) > maxProgram {
			return nil, fmt.Errorf("more than %d bytes", maxProgram)
		}
		file := layers.File{Path: strings.TrimPrefix(o.at, "/"), Mode: 0o755, UID: o.owner.uid, GID: o.owner.gid, Data: b}
		if strings.HasSuffix(o.at, "/") {
			file.Path += e.Name()
		}
		files = append(files, file)
	}
	return files, nil
}

// goroot is the GOROOT of the stage's go command, by its PATH; "" if that is not known.
func (o *output) goroot() string {
	for _, v := range o.stage.Env {
		switch {
		case v.Key == "GOROOT" && v.Known:
			return v.Value
		case v.Key == "PATH" && v.Known && slices.Contains(strings.Split(v.Value, ":"), "/usr/local/go/bin"):
			return "/usr/local/go"
		}
	}
	return ""
}
