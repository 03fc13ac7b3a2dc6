package audit

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// lookup finds programs in the image as a shell there would.
type lookup struct {
	fs   *layers.FS
	dirs []string
	cwd  string
}

func newLookup(img *layers.Image) *lookup {
	return &lookup{fs: img.FS, dirs: strings.Split(img.Config.SearchPath(), ":"), cwd: path.Join("/", img.Config.WorkingDir)}
}

// path is where a command name leads, "" if it is nowhere.
func (l *lookup) path(name string) string {
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(l.cwd, name)
		}
		return path.Clean(name)
	}
	for _, dir := range l.dirs {
		p := path.Join("/", dir, name)
		if fi, err := fs.Stat(l.fs, p[1:]); err == nil && fi.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

// read returns a script's text, "" if it cannot be read or is too long to be one.
func (l *lookup) read(file string) string {
	const most = 256 << 10
	f, err := l.fs.Open(strings.TrimPrefix(file, "/"))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || len(b) > most {
		return ""
	}
	return string(b)
}

// interpreter is the program that a script's #! line names, looked up in PATH behind env; ok is false without such a line.
func (l *lookup) interpreter(text string) (interpreter string, ok bool) {
	line, ok := strings.CutPrefix(text, "#!")
	if !ok {
		return "", false
	}
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", false
	}
	if path.Base(words[0]) == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return w == "-S" })
		if len(words) == 0 {
			return "", true
		}
		return l.path(words[0]), true
	}
	return words[0], true
}

// program is the path of a command that is an existing program of the image, "" for a missing one.
func (l *lookup) program(name string) string {
	p := l.path(name)
	if p == "" {
		return ""
	}
	if fi, err := fs.Stat(l.fs, p[1:]); err != nil || !fi.Mode().IsRegular() {
		return ""
	}
	return p
}
