package rules

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var loaderMissing = &audit.Rule{
	ID:       "loader-missing",
	Title:    "the program's ELF interpreter is not in the image",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Executable | audit.Image},
	Doc: audit.Doc{
		Checks: "The interpreter named in the program's PT_INTERP header (`/lib64/ld-linux-x86-64.so.2` for glibc, `/lib/ld-musl-x86_64.so.1` for musl) is looked up in the image, through its symlinks. It must be executable for the run-time user.",
		Why:    "The kernel loads the interpreter before the program. If it is missing, execve fails with ENOENT although the program itself is there, so the message names a file that exists. It happens when a program linked against glibc is copied to scratch, to a static base or to a musl base, and also with CGO_ENABLED=0 -buildmode=pie, which has an interpreter too.",
		Unless: "The loader is mounted into the container at run time.",
		Messages: []string{
			"exec *: no such file or directory",
			"standard_init_linux.go:*: exec user process caused*: no such file or directory",
			"exec container process `*`: No such file or directory",
		},
	},
	Check: checkLoader,
}

func checkLoader(p *audit.Pass) {
	p.Needing(binary.TopicLoader, func(prog *audit.Program, n binary.Need) {
		l := prog.Linking
		if l == nil || l.InterpreterPath == "" && len(l.Unread) > 0 || foreign(prog, p.Image.Platform.Architecture) {
			return // not known, or the kernel does not get that far: architecture-mismatch says it
		}
		refused := l.InterpreterPath != "" && refusesLoader(p, prog, l)
		met := l.InterpreterPath != "" && !refused
		p.Judge(prog, n, met, l.InterpreterPath, []string{l.Interpreter})
		switch {
		case refused:
			p.Report(unusableLoader(p, prog, n))
			return
		case met:
			return
		}
		ev := append(audit.FromBinary(n.Evidence, 3), cgoEvidence(prog)...)
		ev = append(ev, audit.Seen(audit.LevelImage, "searched %s: not in the image%s", l.Interpreter, otherLoader(p, l)))
		f := audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s needs the loader %s, which is not in the image", prog.Path, l.Interpreter),
			Evidence:  ev,
			Path:      prog.Path,
			Words:     refusedBy(p, prog, l.Failure),
			Remedy:    loaderRemedy(prog),
		}
		p.Report(p.BlameBuild(prog).Of(builtWithoutCgo(p, prog, f)))
	})
}

// refusesLoader reports whether the kernel would not start a loader that is there: no execute permission, not even for
// root or for the run-time user, or another machine's. Source: fs/binfmt_elf.c, which opens it as for execve.
func refusesLoader(p *audit.Pass, prog *audit.Program, l *binary.Linking) bool {
	return strings.HasPrefix(l.Failure, "exec ") || prog.Entry && !p.Image.FS.Access(l.Interpreter, p.Identity, layers.Exec).OK
}

// unusableLoader is the finding of a loader that is in the image and is refused.
func unusableLoader(p *audit.Pass, prog *audit.Program, n binary.Need) audit.Finding {
	l := prog.Linking
	words := l.Failure
	if words == "" {
		words = fmt.Sprintf("exec %s: permission denied", prog.Path)
	}
	reason := words[strings.LastIndex(words, ": ")+len(": "):]
	f := audit.Finding{
		Certainty: n.Certainty,
		Message:   fmt.Sprintf("%s needs the loader %s, which is in the image but cannot be used: %s", prog.Path, l.Interpreter, reason),
		Evidence:  audit.FromBinary(n.Evidence, 3),
		Path:      l.InterpreterPath,
		Words:     refusedBy(p, prog, words),
		Remedy:    "Take the loader, with mode 0755, from the image that the program was built in",
	}
	if e, ok := p.Image.FS.Entry(l.InterpreterPath); ok {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is %s, owned by %d:%d", l.InterpreterPath, e.Mode, e.UID, e.GID))
	}
	return p.BlamePath(l.InterpreterPath).Of(f)
}

// refusedBy is what is said of a program that execve refuses: the run-time's words, or those of the shell that starts it.
// Measured with dash 0.5.12, bash 5.2.15 and busybox 1.35.
func refusedBy(p *audit.Pass, prog *audit.Program, words string) string {
	s := p.Start
	if !prog.Entry || s.Shell.Kind == "" || s.Command == nil || !strings.HasSuffix(words, ": no such file or directory") {
		return words
	}
	name := s.Path
	if first := s.Command.Args[0]; first.Literal {
		name = first.Value
	}
	if s.Shell.Kind == "bash" {
		return name + ": cannot execute: required file not found"
	}
	return name + ": not found"
}

// otherLoader says which foreign loader the image has instead, "" if none.
func otherLoader(p *audit.Pass, l *binary.Linking) string {
	other, pattern := "musl", "ld-musl-"
	if l.Wants == binary.Musl {
		other, pattern = "glibc", "ld-linux"
	}
	for _, dir := range []string{"/lib", "/lib64"} {
		entries, err := fs.ReadDir(p.Image.FS, dir[1:])
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), pattern) {
				return fmt.Sprintf(", whose libc is %s (%s/%s)", other, dir, e.Name())
			}
		}
	}
	return ""
}

// cgoEvidence says what the build information claims about cgo, when it is a Go program.
func cgoEvidence(prog *audit.Program) []audit.Evidence {
	if prog.Go == nil {
		return nil
	}
	cgo, known := prog.Go.Settings["CGO_ENABLED"]
	if !known {
		return nil
	}
	return []audit.Evidence{audit.Seen(audit.LevelBinary, "built with CGO_ENABLED=%s", cgo)}
}

func loaderRemedy(prog *audit.Program) string {
	switch {
	case prog.Go == nil:
		return "Use a base image with the libc that the program was linked for"
	case prog.Go.Settings["CGO_ENABLED"] == "0":
		return "Build without -buildmode=pie, or use a base image that has the loader"
	case onlyLibc(prog.ELF.Needed):
		return "Build with CGO_ENABLED=0; if the program has C code of its own, use a base image with the libc it was linked for"
	}
	return fmt.Sprintf("Use a base image with the libc the program was linked for and with %s; CGO_ENABLED=0 works only without C code", strings.Join(prog.ELF.Needed, ", "))
}

// onlyLibc reports whether the libraries are the C library's own: then cgo is most often only net and os/user.
func onlyLibc(needed []string) bool {
	for _, n := range needed {
		switch base, _, _ := strings.Cut(n, ".so"); base {
		case "libc", "libpthread", "libresolv", "libdl", "librt", "ld-linux-x86-64", "ld-linux-aarch64", "libc.musl-x86_64", "libc.musl-aarch64":
		default:
			return false
		}
	}
	return true
}
