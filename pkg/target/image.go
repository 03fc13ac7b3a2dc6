package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// PhasePrograms is when the executables of an image are read, after the phases of reading the image.
const PhasePrograms layers.Phase = "programs"

// readImages reads an image into a subject; with layers.AllPlatforms each image of an index into one of its own.
func readImages(ctx context.Context, t Target, opt Options) []*audit.Subject {
	var subjects []*audit.Subject
	for img, err := range layers.Images(ctx, imageKinds[t.Kind], t.Name, layers.Options{
		Platform: opt.Platform, Progress: opt.Progress, Cache: opt.Cache, Stream: t.Stream,
		InsecureRegistries: opt.InsecureRegistries, CAFiles: opt.CAFiles, Offline: opt.Offline,
	}) {
		s := &audit.Subject{}
		if err != nil {
			because := reason(err)
			if t.assumed() {
				because = "no file here has this name; as an image: " + because
			}
			s.Unread = append(s.Unread, audit.Unread{What: t.Arg, Because: because})
		} else {
			readImage(s, t, img, opt)
		}
		subjects = append(subjects, s)
	}
	return subjects
}

// readImage puts an image that was read, and the executables in it, into the subject.
func readImage(s *audit.Subject, t Target, img *layers.Image, opt Options) {
	s.Image = img
	for _, u := range img.Unread {
		s.Unread = append(s.Unread, audit.Unread{What: t.Arg + ", " + u.What, Because: u.Because})
	}
	if img.FS == nil {
		return
	}
	s.Identity = img.FS.Identity(img.Config.User)
	s.Process = img.Process(s.Identity)
	start := time.Now()
	readPrograms(s, opt.Cache)
	if opt.Progress != nil {
		opt.Progress(layers.Progress{Phase: PhasePrograms, Done: true, Took: time.Since(start)})
	}
}

// readPrograms reads the program that is started, of whatever make, and every other executable that Go built.
func readPrograms(s *audit.Subject, store *cache.Store) {
	const most, tried = 64, 4096 // programs of one image, and executables that may be some
	started := ""
	if p := audit.StartOf(s.Image, s.Process).Path; p != "" {
		if e, err := s.Image.FS.Resolve(p); err == nil && e.Mode.IsRegular() {
			started = e.Path
			readProgram(s, e, true, store)
		}
	}
	var others []*layers.Entry
	err := s.Image.FS.Walk(func(e *layers.Entry) error {
		if e.Path != started && mayBeGo(e) {
			others = append(others, e)
		}
		return nil
	})
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: "executables of " + s.Image.Ref, Because: err.Error()})
	}
	for i, e := range others {
		if len(s.Programs) == most || i == tried {
			s.Unread = append(s.Unread, audit.Unread{What: fmt.Sprintf("%d executables of %s", len(others)-i, s.Image.Ref), Because: fmt.Sprintf("an image has at most %d Go programs in an audit", most)})
			break
		}
		readProgram(s, e, false, store)
	}
}

// mayBeGo reports whether an entry can be a Go program: an executable ELF file of at least 256 KiB (the smallest
// Go program has over 1 MiB), outside the Go distribution's tools, which are no service.
func mayBeGo(e *layers.Entry) bool {
	const least = 256 << 10
	base := path.Base(e.Path)
	return e.Mode.IsRegular() && e.ELF && !e.NotGo && e.Mode&0o111 != 0 && e.Size >= least && !strings.Contains(e.Path, "/pkg/tool/") &&
		!strings.HasSuffix(base, ".so") && !strings.Contains(base, ".so.")
}

// readProgram reads one executable of the image. One that is not started counts only if Go built it.
func readProgram(s *audit.Subject, e *layers.Entry, started bool, store *cache.Store) {
	f, err := readFacts(store, s.Image.FS, e, started)
	var gone *layers.GoneError
	if !started && errors.As(err, &gone) && !gone.Go {
		return // its bytes were seen to be no Go program's
	}
	switch {
	case err != nil:
		s.Unread = append(s.Unread, audit.Unread{What: e.Path, Because: reason(err)})
	case !started && !f.Go, f.NotELF: // a script: the entrypoint rules look at it
	case f.Damaged != "":
		s.Unread = append(s.Unread, audit.Unread{What: e.Path, Because: f.Damaged})
	default:
		addProgram(s, &audit.Program{Binary: f.program, Toolchain: isToolchain(f.program)})
	}
}

// addProgram adds a program to the subject. What cannot be seen in it is unread: its needs are unknown, not absent.
func addProgram(s *audit.Subject, p *audit.Program) {
	s.Programs = append(s.Programs, p)
	if p.Opaque != "" {
		s.Unread = append(s.Unread, audit.Unread{What: "needs of " + p.Path, Because: p.Opaque})
	}
}

// isToolchain reports whether a program is one of the Go distribution's own: its main package is cmd/...
func isToolchain(b *binary.Binary) bool { return b.Go != nil && strings.HasPrefix(b.Go.Path, "cmd/") }

// link has the loader simulated for every program, when there is an image to load it in.
func link(s *audit.Subject) {
	if s.Image == nil || s.Image.FS == nil {
		return
	}
	for _, p := range s.Programs {
		if p.ELF != nil && !p.Toolchain {
			p.Linking = p.ELF.Resolve(s.Image.FS, p.Path, s.Env(), secure(s.Image.FS, p.Path))
		}
	}
}

// secure reports whether the kernel starts the program in secure mode: setuid, setgid or file capabilities.
func secure(f *layers.FS, p string) bool {
	e, err := f.Resolve(p)
	return err == nil && (e.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 || e.Caps)
}
