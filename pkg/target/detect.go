// Package target turns what a user names into Subjects: it tells an image from a Dockerfile from an executable, pairs
// them, and has the readers read them.
//
// It must never judge what was read. What cannot be read becomes a line of the Subject's Unread, so that the rest is
// still audited.
package target

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Kind is what a target is.
type Kind string

// The kinds; those of images are the kinds of pkg/layers.
const (
	Dir        Kind = "dir"
	Dockerfile Kind = "dockerfile"
	Binary     Kind = "binary"
)

// imageKinds are the kinds that pkg/layers reads.
var imageKinds = map[Kind]layers.Kind{
	"registry": layers.Registry, "oci": layers.OCILayout, "oci-archive": layers.OCIArchive, "docker-archive": layers.DockerArchive,
	"docker": layers.Docker, "podman": layers.Podman, piped: layers.Stream,
}

// piped is an archive that comes through a pipe on standard input. It is no prefix.
const piped Kind = "stream"

// Target is one thing named by the user.
type Target struct {
	Kind Kind
	Name string // without the prefix
	Arg  string // as the user wrote it
	Data []byte // what came through a pipe on standard input, nil for everything else
	// Stream is the archive that comes through the pipe.
	Stream io.Reader
}

// IsImage reports whether the target is an image of some source.
func (t Target) IsImage() bool { _, ok := imageKinds[t.Kind]; return ok }

// ImageKind is the kind by which pkg/layers reads the target, "" if it is no image.
func (t Target) ImageKind() layers.Kind { return imageKinds[t.Kind] }

// assumed reports whether the target was only taken for an image in a registry because no file has its name.
func (t Target) assumed() bool { return t.Kind == "registry" && t.Name == t.Arg }

// ErrUsage is a target that cannot be meant: a wrong combination, an unknown prefix.
var ErrUsage = errors.New("wrong usage")

// Detect tells what arg names: by its prefix, else by what is at that path, else it is an image in a registry.
func Detect(arg string) (Target, error) {
	if arg == "" {
		return Target{}, fmt.Errorf("%w: empty target", ErrUsage)
	}
	if prefix, name, ok := strings.Cut(arg, ":"); ok {
		if strings.HasPrefix(name, "//") {
			return Target{}, fmt.Errorf("%w: %s: a target has no \"//\"; an image in a registry is written without a prefix, or as registry:%s", ErrUsage, arg, strings.TrimLeft(name, "/"))
		}
		k := Kind(prefix)
		if _, image := imageKinds[k]; image && k != piped || k == Dir || k == Dockerfile || k == Binary {
			return Target{Kind: k, Name: name, Arg: arg}, nil
		}
	}
	fi, err := os.Stat(arg)
	switch {
	case err == nil && fi.IsDir():
		if _, err := os.Stat(filepath.Join(arg, "oci-layout")); err == nil {
			return Target{Kind: "oci", Name: arg, Arg: arg}, nil
		}
		return Target{Kind: Dir, Name: arg, Arg: arg}, nil
	case err == nil:
		return detectFile(Target{Name: arg, Arg: arg})
	case !looksLikePath(arg):
		return Target{Kind: "registry", Name: arg, Arg: arg}, nil
	case strings.Contains(filepath.Base(arg), ":"):
		return detectTagged(arg)
	}
	return Target{}, fmt.Errorf("%s: %w", arg, os.ErrNotExist)
}

// detectTagged tells DIR:TAG of an OCI layout and FILE.tar:TAG of an archive.
func detectTagged(arg string) (Target, error) {
	i := strings.LastIndex(arg, ":")
	t, err := Detect(arg[:i])
	if err != nil || !t.IsImage() {
		return Target{}, fmt.Errorf("%s: %w", arg, os.ErrNotExist)
	}
	return Target{Kind: t.Kind, Name: arg, Arg: arg}, nil
}

// looksLikePath reports whether a name that is not there was meant as a path, not as an image.
func looksLikePath(arg string) bool {
	for _, prefix := range []string{"/", "./", "../", "~"} {
		if strings.HasPrefix(arg, prefix) {
			return true
		}
	}
	base := filepath.Base(arg)
	return arg == "." || arg == ".." || strings.HasSuffix(arg, ".tar") || strings.HasSuffix(arg, ".tar.gz") || isDockerfileName(base)
}

// detectFile tells by content: an ELF file, an archive, else a Dockerfile.
func detectFile(t Target) (Target, error) {
	f, err := os.Open(t.Name)
	if err != nil {
		return Target{}, fmt.Errorf("opening %s: %w", t.Arg, err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return Target{}, fmt.Errorf("reading %s: %w", t.Arg, err)
	}
	if t.Kind = kindOf(head[:n]); t.Kind != "" {
		return t, nil
	}
	kind, err := layers.Detect(t.Name)
	if err != nil {
		if errors.Is(err, layers.ErrNotImage) {
			t.Kind = Binary // the binary reader names Mach-O, PE and the like
			return t, nil
		}
		return Target{}, fmt.Errorf("telling what %s is: %w", t.Arg, err)
	}
	t.Kind = Kind(kind)
	return t, nil
}

// kindOf tells an ELF file and a text, which is taken for a Dockerfile, by their head; "" for anything else.
func kindOf(head []byte) Kind {
	switch {
	case strings.HasPrefix(string(head), "\x7fELF"):
		return Binary
	case isText(head):
		return Dockerfile
	}
	return ""
}

// isText reports whether the head of a file is text: no NUL and no other control bytes than white space.
func isText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
			return false
		}
	}
	return true
}

// isDockerfileName reports whether a file is named like a Dockerfile: Dockerfile, which BuildKit also takes in lower
// case, Containerfile, NAME.Dockerfile and Dockerfile.NAME. Templates, documents and what editors leave behind are none.
func isDockerfileName(base string) bool {
	switch strings.ToLower(filepath.Ext(base)) {
	case ".dockerignore", ".tmpl", ".tpl", ".template", ".gotmpl", ".j2", ".jinja", ".jinja2", ".erb", ".in", ".mustache", ".hbs", ".ejs",
		".md", ".rst", ".adoc", ".html", ".bak", ".old", ".orig", ".rej", ".swp", ".swo":
		return false
	}
	return !strings.HasSuffix(base, "~") && (base == "Dockerfile" || base == "dockerfile" || base == "Containerfile" || strings.HasPrefix(base, "Dockerfile.") ||
		strings.HasSuffix(base, ".Dockerfile") || strings.HasSuffix(base, ".dockerfile"))
}
