package rules

import (
	"path"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// modeFix gives a file of the image another mode, 0755 where that file stands in directories that the same COPY made: by
// the COPY that brings it, or behind it, where several files come together and the image can change modes itself. Nil
// where a directory of another line is in the way.
func modeFix(p *audit.Pass, cause audit.Cause, file, mode string) *audit.Fix {
	if cause.Blame.Kind != audit.BlameInstruction || cause.By == nil || cause.By.Copy == nil {
		return nil
	}
	e, ok := p.Image.FS.Entry(file)
	if !ok || !e.Mode.IsRegular() { // COPY gives the mode to directories, too
		return nil
	}
	for dir := path.Dir(file); dir != "/"; dir = path.Dir(dir) {
		above, ok := p.Image.FS.Entry(dir)
		switch {
		case ok && above.Layer == e.Layer:
			mode = "0755" // BuildKit gives the mode to the directories that it makes, too. Seen with BuildKit 0.34
		case !ok || !p.Image.FS.Access(dir, p.Identity, layers.Exec).OK:
			return nil
		}
	}
	if flagValue(cause.By, "chmod") == mode {
		return nil
	}
	edits := flagged(p, cause.By, file, "chmod", mode)
	if edits == nil && plainPath(file) && p.Image.FS.Access(file, p.Identity, 0).OK {
		edits = runInFinal(p, cause.By, "chmod "+mode+" "+file, "chmod")
	}
	return fixOf("Give "+file+" mode "+mode, audit.Safe, edits)
}

// plainPath reports whether a path needs no quotes in a shell.
func plainPath(name string) bool {
	return !slices.ContainsFunc([]rune(name), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '/' || r == '.' || r == '_' || r == '-' || r == '+')
	})
}
