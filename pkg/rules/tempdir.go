package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var tempDirMissing = &audit.Rule{
	ID:       "temp-dir-missing",
	Title:    "the program creates temporary files, but their directory is missing or not writable",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that calls os.CreateTemp or os.MkdirTemp, or writes to a constant path below /tmp, needs the directory to exist and to be writable for the run-time user: the constant directory it names, else $TMPDIR, else /tmp. /dev/shm and, for root, a volume are made by the run-time.",
		Why:    "scratch has no /tmp. Uploads through net/http spill to disk only above a limit, so the failure comes with the first large one.",
		Unless: "A tmpfs or volume is mounted there at run time.",
		Messages: []string{
			"open /tmp/*: no such file or directory",
			"open /tmp/*: permission denied",
			"stat /tmp: no such file or directory",
			"mkdir /tmp/*: permission denied",
		},
	},
	Check: checkTempDir,
}

func checkTempDir(p *audit.Pass) {
	p.Needing(binary.TopicTempDir, func(prog *audit.Program, n binary.Need) {
		if anyDirectory(n) {
			return
		}
		dirs := tempDirs(p, n)
		var bad []layers.TempDir
		var names []string
		for _, d := range dirs {
			names = append(names, d.Dir)
			if !d.Access.OK && !(d.Access.Errno == "ENOENT" && (runtimeMakes(p, d.Dir) || makesItself(p, n))) {
				bad = append(bad, d)
			}
		}
		if len(bad) == 0 {
			p.Judge(prog, n, true, strings.Join(names, ", "), nil)
			return
		}
		p.Judge(prog, n, false, "", names)
		for _, d := range bad {
			p.Report(tempDirFinding(p, prog, n, d))
		}
	})
}

// anyDirectory reports whether all that the program is seen to do is to create in directories that it learns when it runs.
func anyDirectory(n binary.Need) bool {
	known := func(e binary.Evidence) bool {
		return !strings.Contains(e.Text, "with a directory known at run time only")
	}
	return len(n.Evidence) > 0 && !slices.ContainsFunc(n.Evidence, known)
}

// tempDirs are the directories the program writes to: those it names, or the default one.
func tempDirs(p *audit.Pass, n binary.Need) []layers.TempDir {
	names := slices.Clone(n.Names)
	asks := func(e binary.Evidence) bool { return strings.Contains(e.Text, `("", `) }
	if len(names) == 0 || slices.ContainsFunc(n.Evidence, asks) {
		names = append(names, p.Image.FS.TempDir(p.Env(), p.Identity).Dir)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var dirs []layers.TempDir
	for _, name := range names {
		if !path.IsAbs(name) {
			name = path.Join("/", p.Image.Config.WorkingDir, name)
		}
		dirs = append(dirs, p.Image.FS.TempDir([]string{"TMPDIR=" + name}, p.Identity))
	}
	return dirs
}

// runtimeMakes reports whether the run-time makes a directory that the image lacks, writable for the user: /dev/shm is a
// tmpfs for everybody; a volume and the working directory are made for root.
func runtimeMakes(p *audit.Pass, dir string) bool {
	if within(dir, "/dev/shm") {
		return true
	}
	return p.Identity.UID == 0 && (slices.Contains(p.Image.Config.Volumes, dir) || path.Join("/", p.Image.Config.WorkingDir) == dir)
}

// makesItself reports whether all that the program is seen to do is to make directories with those above them, and its
// user may make the first.
func makesItself(p *audit.Pass, n binary.Need) bool {
	only := !slices.ContainsFunc(n.Evidence, func(e binary.Evidence) bool { return !strings.Contains(e.Text, "os.MkdirAll") })
	return only && len(n.Evidence) > 0 && p.Image.FS.Access("/", p.Identity, layers.Write).OK
}

// within reports whether a path is a directory or below it.
func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func tempDirFinding(p *audit.Pass, prog *audit.Program, n binary.Need, d layers.TempDir) audit.Finding {
	f := audit.Finding{
		Certainty: n.Certainty,
		Message:   fmt.Sprintf("%s creates temporary files in %s, which is not in the image", prog.Path, d.Dir),
		Evidence:  audit.FromBinary(n.Evidence, 3),
		Path:      d.Dir,
		Words:     tempDirWords(n, d.Dir, "no such file or directory"),
		Remedy:    fmt.Sprintf("Make %s with mode 1777 in the image, or mount a tmpfs with a size there", d.Dir),
	}
	if d.Access.Errno == "ENOENT" {
		f.Fix = makeTempDir(p, d.Dir)
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "searched %s: not found", d.Dir))
		if len(n.Names) > 0 && d.Dir != "/tmp" && d.Dir != "/var/tmp" && f.Certainty == audit.Proven {
			f.Certainty = audit.Likely // a program that names a directory of its own may make it first
		}
		_, deleted := p.Image.FS.Deleted(d.Dir)
		if set, _ := p.Image.Config.Getenv("TMPDIR"); len(n.Names) == 0 && set != "" && !deleted {
			return envCause(p, "TMPDIR").Of(f)
		}
		return p.BlameAbsence(d.Dir).Of(f)
	}
	if e, ok := p.Image.FS.Entry(d.Dir); ok && e.Mode.IsDir() && d.Access.At == d.Dir && commonTempDir(p, d.Dir) {
		f.Fix = openTempDir(p, d.Dir)
	}
	reason := map[string]string{"EACCES": "permission denied", "ENOTDIR": "not a directory", "ELOOP": "too many levels of symbolic links"}[d.Access.Errno]
	f.Remedy = fmt.Sprintf("Give %s mode 1777 in the image, or mount a tmpfs with a size there", d.Dir)
	f.Message = fmt.Sprintf("%s creates temporary files in %s, which uid %d may not write to", prog.Path, d.Dir, p.Identity.UID)
	if d.Access.Errno != "EACCES" {
		f.Message = fmt.Sprintf("%s creates temporary files in %s, which cannot be used: %s", prog.Path, d.Dir, reason)
	}
	f.Words = tempDirWords(n, d.Dir, reason)
	if e, ok := p.Image.FS.Entry(d.Access.At); ok {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is %s, owned by %d:%d", d.Access.At, e.Mode, e.UID, e.GID))
	}
	return p.BlamePath(d.Access.At).Of(f)
}

// tempDirWords is what os.CreateTemp says, or os.MkdirTemp where the evidence names only that. Source: os/tempfile.go.
func tempDirWords(n binary.Need, dir, reason string) string {
	calls := func(name string) bool {
		return slices.ContainsFunc(n.Evidence, func(e binary.Evidence) bool { return strings.Contains(e.Text, name) })
	}
	file := strings.TrimSuffix(dir, "/") + "/..."
	switch {
	case calls("os.MkdirAll") && !calls("os.CreateTemp") && !calls("os.WriteFile") && !calls("os.OpenFile"):
		return "mkdir /tmp: permission denied"
	case calls("os.CreateTemp") || !calls("os.MkdirTemp"):
		return fmt.Sprintf("open %s: %s", file, reason)
	case reason == "no such file or directory":
		return fmt.Sprintf("stat %s: %s", dir, reason)
	}
	return fmt.Sprintf("mkdir %s: %s", file, reason)
}
