package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// readImage reads an image, and the executables in it, into the subject.
func readImage(ctx context.Context, s *audit.Subject, t Target, opt Options) {
	img, err := layers.Read(ctx, imageKinds[t.Kind], t.Name, layers.Options{Platform: opt.Platform, Progress: opt.Progress})
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: t.Arg, Because: reason(err)})
		return
	}
	s.Image = img
	for _, u := range img.Unread {
		s.Unread = append(s.Unread, audit.Unread{What: t.Arg + ", " + u.What, Because: u.Because})
	}
	if img.FS == nil {
		return
	}
	s.Identity = img.FS.Identity(img.Config.User)
	s.Process = img.Process(s.Identity)
	readPrograms(s)
}

// readPrograms reads the program that is started, of whatever make, and every other executable that Go built.
func readPrograms(s *audit.Subject) {
	const most = 64 // programs of one image
	started := ""
	if p := audit.StartOf(s.Image, s.Process).Path; p != "" {
		if e, err := s.Image.FS.Resolve(p); err == nil && e.Mode.IsRegular() {
			started = e.Path
			readProgram(s, e, true)
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
	if len(others) > most {
		s.Unread = append(s.Unread, audit.Unread{What: fmt.Sprintf("%d executables of %s", len(others)-most, s.Image.Ref), Because: fmt.Sprintf("an image has at most %d in an audit", most)})
		others = others[:most]
	}
	for _, e := range others {
		readProgram(s, e, false)
	}
}

// mayBeGo reports whether an entry can be a Go program: an executable regular file of at least 256 KiB (the smallest
// Go program has over 1 MiB), outside the Go distribution's tools, which are no service.
func mayBeGo(e *layers.Entry) bool {
	const least = 256 << 10
	base := path.Base(e.Path)
	return e.Mode.IsRegular() && e.Mode&0o111 != 0 && e.Size >= least && !strings.Contains(e.Path, "/pkg/tool/") &&
		!strings.HasSuffix(base, ".so") && !strings.Contains(base, ".so.")
}

// readProgram reads one executable of the image. One that is not started counts only if Go built it.
func readProgram(s *audit.Subject, e *layers.Entry, started bool) {
	f, err := s.Image.FS.Open(e.Path[1:])
	if err != nil {
		s.Unread = append(s.Unread, audit.Unread{What: e.Path, Because: reason(err)})
		return
	}
	defer f.Close()
	r, ok := f.(io.ReaderAt)
	if !ok {
		s.Unread = append(s.Unread, audit.Unread{What: e.Path, Because: "its bytes cannot be reached"})
		return
	}
	if !started && !binary.IsGo(r, e.Size) {
		return
	}
	b, err := binary.Read(r, e.Size, e.Path)
	switch {
	case errors.Is(err, binary.ErrNotELF):
		return // a script: the entrypoint rules look at it
	case err != nil:
		s.Unread = append(s.Unread, audit.Unread{What: e.Path, Because: err.Error()})
		return
	}
	addProgram(s, &audit.Program{Binary: b, Toolchain: isToolchain(b)})
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
