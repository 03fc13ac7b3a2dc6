package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// Options say how to read the targets.
type Options struct {
	Dockerfile string            // --dockerfile
	Context    string            // --context
	Target     string            // --target
	BuildArgs  map[string]string // --build-arg
	Platform   string            // --platform, layers.AllPlatforms for every image of an index
	Stdin      io.Reader         // of the target "-"
	Progress   func(layers.Progress)
	Cache      *cache.Store // facts of earlier audits, nil for none; Subjects adds to it
	Now        time.Time    // the audit's date

	InsecureRegistries []string // --insecure-registry
	CAFiles            []string // --ca-cert
	Offline            bool     // --offline

	Predict bool // --predict: put the image that a Dockerfile will make into its subject
	Build   bool // --build: and build its programs with the local go command
}

// plan is the subjects to make: each image is one (with AllPlatforms each of an index), each Dockerfile without an image
// is one; binaries belong to all.
type plan struct {
	images      []Target
	dockerfiles []string
	dirs        []Target
	contexts    map[string]string // by Dockerfile, "" for the default
	roots       map[string]string // by Dockerfile found below a directory: that directory
	binaries    []Target
	stdin       []byte // the Dockerfile, if it came through a pipe
	listings    *listings
	unread      []audit.Unread
}

// Subjects reads the targets. It fails only on wrong usage: whatever cannot be read is in the subjects' Unread.
func Subjects(ctx context.Context, args []string, opt Options) ([]*audit.Subject, error) {
	p, err := newPlan(ctx, args, opt)
	if err != nil {
		return nil, err
	}
	var subjects []*audit.Subject
	switch {
	case len(p.images) > 0:
		for _, img := range p.images {
			for _, s := range readImages(ctx, img, opt) {
				if len(p.dockerfiles) == 1 {
					p.readDockerfile(s, p.dockerfiles[0], opt)
				} else if s.Image != nil {
					readProvenance(s)
				}
				subjects = append(subjects, s)
			}
		}
	case len(p.dockerfiles) > 0:
		for _, d := range p.dockerfiles {
			s := &audit.Subject{}
			p.readDockerfile(s, d, opt)
			if s.Dockerfile != nil && (opt.Predict || opt.Build) {
				predict(ctx, s, opt)
			}
			subjects = append(subjects, s)
		}
	default:
		subjects = append(subjects, &audit.Subject{})
	}
	for _, s := range subjects {
		s.Now = opt.Now
		readNamed(s, p.binaries)
		link(s)
		s.Prepare()
		deriveBase(s)
	}
	subjects[0].Unread = append(p.unread, subjects[0].Unread...)
	return subjects, nil
}

func newPlan(ctx context.Context, args []string, opt Options) (*plan, error) {
	p := &plan{contexts: map[string]string{}, roots: map[string]string{}, listings: newListings()}
	for _, arg := range args {
		t, err := detect(ctx, arg, opt)
		switch {
		case errors.Is(err, ErrUsage):
			return nil, err
		case err != nil:
			p.unread = append(p.unread, audit.Unread{What: arg, Because: reason(err)})
		case t.IsImage():
			p.images = append(p.images, t)
		case t.Kind == Binary:
			p.binaries = append(p.binaries, t)
		case t.Kind == Dockerfile:
			p.dockerfiles = append(p.dockerfiles, t.Name)
			if t.Data != nil {
				p.stdin = t.Data
			}
		default:
			p.dirs = append(p.dirs, t)
		}
	}
	for _, t := range p.dirs {
		p.addDir(ctx, t, opt)
	}
	if opt.Dockerfile != "" {
		p.dockerfiles = append([]string{opt.Dockerfile}, p.dockerfiles...)
	}
	if len(p.images) > 0 && len(p.dockerfiles) > 1 {
		return nil, fmt.Errorf("%w: an image has one Dockerfile, and %d are given: name it with --dockerfile", ErrUsage, len(p.dockerfiles))
	}
	for _, d := range p.dockerfiles {
		if opt.Context != "" {
			p.contexts[d] = opt.Context
		}
	}
	return p, nil
}

func detect(ctx context.Context, arg string, opt Options) (Target, error) {
	if arg == "-" {
		return detectStdin(ctx, opt.Stdin)
	}
	return Detect(arg)
}

// addDir adds the Dockerfiles in a directory and below it. Beside an image or a program it is the directory of that
// service: only what stands in it is meant, and it is the build context.
func (p *plan) addDir(ctx context.Context, t Target, opt Options) {
	if opt.Dockerfile != "" {
		p.contexts[opt.Dockerfile] = t.Name
		return
	}
	w := walk(ctx, p.listings, t.Name, len(p.images)+len(p.binaries) == 0)
	p.unread = append(p.unread, w.unread...)
	for _, name := range w.found {
		p.dockerfiles = append(p.dockerfiles, name)
		if filepath.Dir(name) == filepath.Clean(t.Name) {
			p.contexts[name] = t.Name
			continue
		}
		p.roots[name] = t.Name
	}
}

// readDockerfile reads a Dockerfile and its context into the subject.
func (p *plan) readDockerfile(s *audit.Subject, name string, opt Options) {
	src, err := p.stdin, error(nil)
	if name != stdinName || src == nil {
		src, err = readFile(name)
	}
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: name, Because: reason(err)})
		return
	}
	o := dockerfile.Options{BuildArgs: opt.BuildArgs, Target: opt.Target, Platform: opt.Platform}
	switch {
	case s.Image != nil:
		o.Platform = s.Image.Platform.String()
	case opt.Platform == layers.AllPlatforms:
		o.Platform = ""
	}
	shown := name
	if name == stdinName {
		shown, s.DockerfilePiped = "Dockerfile", true
	}
	f, err := dockerfile.Parse(shown, src, o)
	var refused *dockerfile.ParseError
	if errors.As(err, &refused) && !refused.Ours {
		s.Refused = refused
		return
	}
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: shown, Because: reason(err)})
		return
	}
	if f.Final() == nil {
		s.Unread = append(s.Unread, audit.Unread{What: shown, Because: fmt.Sprintf("it has no stage named %q", opt.Target)})
		return
	}
	s.Dockerfile = f
	switch root := p.roots[name]; {
	case p.contexts[name] != "":
		p.readContext(s, p.contexts[name], name, true)
	case name == stdinName:
	case root == "":
		p.readContext(s, filepath.Dir(name), name, false)
	default: // the nearest that fits, up to the directory that was named
		for dir := filepath.Dir(name); s.Context == nil; dir = filepath.Dir(dir) {
			p.readContext(s, dir, name, false)
			if dir == filepath.Clean(root) || dir == filepath.Dir(dir) {
				break
			}
		}
	}
}

// readContext reads the build context. One that the user did not name counts only when it fits.
func (p *plan) readContext(s *audit.Subject, dir, file string, named bool) {
	rel, err := filepath.Rel(dir, file)
	if err != nil || rel == ".." || filepath.IsAbs(rel) {
		rel = file // a Dockerfile outside its context may still have its own ignore file beside it
	}
	c, err := dockerfile.NewContext(dir, newTree(dir, p.listings), filepath.ToSlash(rel))
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: "build context " + dir, Because: reason(err)})
		return
	}
	if !named && !fits(s.Dockerfile, c) {
		return
	}
	s.Context = c
	if s.Module, err = source.ReadModule(c.FS); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Unread = append(s.Unread, audit.Unread{What: filepath.Join(dir, "go.mod"), Because: reason(err)})
	}
}

// readFile reads a text file of at most 4 MiB.
func readFile(name string) ([]byte, error) {
	const most = 4 << 20
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(b) > most {
		return nil, fmt.Errorf("larger than %d bytes, no Dockerfile", most)
	}
	return b, nil
}

// reason is an error's text without the path that What names already.
func reason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	if errors.Is(err, os.ErrNotExist) {
		return "no such file or directory"
	}
	return err.Error()
}
