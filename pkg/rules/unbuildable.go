package rules

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// checkUnbuildable finds what BuildKit takes for valid and then cannot carry out. What it says, and in which cases, was
// observed of buildkitd; internal/builds asks it again (TestRefusals).
func checkUnbuildable(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	switch {
	case in.Copy != nil:
		checkOwner(p, stage, in)
		checkMode(p, in)
		checkOverFile(p, stage, in, copiedInto(p, in))
	case in.Keyword == "STOPSIGNAL":
		checkSignal(p, stage, in)
	case in.Keyword == "WORKDIR":
		if dir, known := workDirAfter(stage, in); known {
			checkOverFile(p, stage, in, dir)
		}
	case in.Run != nil:
		checkMountTarget(p, stage, in)
		for _, m := range in.Run.Mounts {
			checkStageName(p, stage, in, mountImage(p, m))
		}
	}
}

// refuse reports a line that BuildKit cannot carry out.
func refuse(p *audit.Pass, in *dockerfile.Instruction, at dockerfile.Span, message, words, remedy string, seen audit.Evidence) {
	p.Report(p.BlameSpan(in, at).Of(audit.Finding{Message: message, Evidence: []audit.Evidence{seen}, Words: words, Remedy: remedy}))
}

// flagSpan is the place of a flag, the whole instruction if it is not there.
func flagSpan(in *dockerfile.Instruction, name string) dockerfile.Span {
	for _, f := range in.Flags {
		if f.Name == name {
			return f.Span
		}
	}
	return in.Span
}

// checkOwner finds a --chown by name where there is no file system to look the name up in: with --link, and at the first
// files of a stage from scratch. Elsewhere BuildKit takes an unknown name for root.
func checkOwner(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	user, group, _ := strings.Cut(in.Copy.Chown, ":")
	if in.Copy.Chown == "" || strings.Contains(in.Copy.Chown, "$") || number(user) && (group == "" || number(group)) {
		return
	}
	linked := slices.ContainsFunc(in.Flags, func(f dockerfile.Flag) bool { return f.Name == "link" && f.Value != "false" })
	first := stage.Root().Scratch() && !slices.ContainsFunc(before(stage, in), func(o *dockerfile.Instruction) bool {
		return o.Copy != nil || o.Run != nil || o.Keyword == "WORKDIR" || o.Keyword == "ONBUILD"
	})
	why := p.At(in, "--link copies into a layer of its own, which has no /etc/passwd")
	if !linked {
		if why = p.At(stage.Root().From, "the stage begins with nothing, and no line before has brought /etc/passwd"); !first {
			return
		}
	}
	refuse(p, in, flagSpan(in, "chown"), fmt.Sprintf("%s --chown=%s: there is no file to look the name up in", in.Keyword, in.Copy.Chown), "invalid user index: -1", "Use numbers: --chown=65532:65532", why)
}

// symbolicMode is the grammar of chmod(1)'s symbolic modes.
var symbolicMode = lazyregexp.New(`^[ugoa]*([-+=][rwxXstugo]*)+(,[ugoa]*([-+=][rwxXstugo]*)+)*$`)

func checkMode(p *audit.Pass, in *dockerfile.Instruction) {
	mode := in.Copy.Chmod
	if mode == "" || strings.Contains(mode, "$") || mode[0] >= '0' && mode[0] <= '9' || symbolicMode.MatchString(mode) {
		return // BuildKit's parser judges numbers
	}
	refuse(p, in, flagSpan(in, "chmod"), fmt.Sprintf("%s --chmod=%s is no mode", in.Keyword, mode), "invalid syntax", "Write a mode like 0755 or u=rwX,go=rX", p.At(in, "it is neither a number nor like u=rwx"))
}

// workDirAfter is the directory that a WORKDIR changes to.
func workDirAfter(stage *dockerfile.Stage, in *dockerfile.Instruction) (dir string, known bool) {
	if len(in.Words) != 1 || strings.Contains(in.Words[0].Value, "$") {
		return "", false
	}
	if path.IsAbs(in.Words[0].Value) {
		return path.Clean(in.Words[0].Value), true
	}
	above, known := workDirAt(stage, in)
	return path.Join(above, in.Words[0].Value), known
}

// copiedInto is the directory that a COPY makes or needs, "" if that is not known.
func copiedInto(p *audit.Pass, in *dockerfile.Instruction) string {
	switch {
	case !in.Copy.Known || in.Copy.Dest == "":
		return ""
	case in.Copy.DestDir, isContextDir(p, in):
		return path.Clean(in.Copy.Dest)
	}
	return path.Dir(path.Clean(in.Copy.Dest))
}

// isContextDir reports whether a COPY takes one directory of the context.
func isContextDir(p *audit.Pass, in *dockerfile.Instruction) bool {
	if p.Context == nil || in.Copy.From != nil || in.Copy.FromImage != "" || len(in.Copy.Sources) != 1 || len(in.Heredocs) > 0 {
		return false
	}
	info, err := fs.Stat(p.Context.FS, strings.TrimPrefix(path.Join(".", path.Clean("/"+in.Copy.Sources[0])), "/"))
	return err == nil && info.IsDir()
}

// checkOverFile finds a directory that must be made where a line above has put a file.
func checkOverFile(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, dir string) {
	if dir == "" || dir == "/" {
		return
	}
	for _, step := range slices.Backward(before(stage, in)) {
		switch {
		case step.Run != nil || step.Keyword == "ADD" || step.Keyword == "ONBUILD":
			return // it may have changed it
		case step.Copy == nil || !below(path.Clean(step.Copy.Dest), dir) || !putsFile(p, step):
			continue
		}
		file := path.Clean(step.Copy.Dest)
		words := fmt.Sprintf("mkdir %s: not a directory", file)
		if in.Copy != nil && dir == file {
			words = "cannot copy to non-directory"
		}
		refuse(p, in, in.Span, fmt.Sprintf("%s makes the directory %s, and line %d has put a file at %s", in.Keyword, dir, step.Span.Start.Line, file), words,
			"Give the file or the directory another name", p.At(step, "this line puts the file there"))
		return
	}
}

// putsFile reports whether a COPY surely makes its destination a file: its one source is a file of the context, or what a
// go build of its stage writes.
func putsFile(p *audit.Pass, in *dockerfile.Instruction) bool {
	c := in.Copy
	if !c.Known || c.DestDir || c.Dest == "" || len(c.Sources) != 1 || len(in.Heredocs) > 0 || strings.ContainsAny(c.Sources[0], "*?[") {
		return false
	}
	src := path.Join("/", c.Sources[0])
	switch {
	case c.FromImage != "":
		return false
	case c.From != nil:
		built := 0
		for _, step := range steps(c.From) {
			if step.Run != nil && slices.ContainsFunc(step.Run.Builds, func(b dockerfile.GoBuild) bool { return b.Output == src && len(b.Packages) < 2 }) {
				built++
			}
			if step.Keyword == "WORKDIR" && mayBeDir(c.From, src) || step.Copy != nil && step.Copy.Covers(src) {
				return false
			}
		}
		return built > 0
	case p.Context == nil:
		return false
	}
	info, err := fs.Stat(p.Context.FS, strings.TrimPrefix(src, "/"))
	return err == nil && info.Mode().IsRegular()
}

// checkMountTarget finds a mount without a target in a stage whose working directory is the root: BuildKit mounts it at
// the working directory.
func checkMountTarget(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	dir, known := workDirAt(stage, in)
	if !known && !slices.ContainsFunc(before(stage, in), func(o *dockerfile.Instruction) bool { return o.Keyword == "WORKDIR" }) {
		dir, known = imageWorkDir(stage.Root().Base)
	}
	if !known || path.Clean(dir) != "/" {
		return
	}
	for _, m := range in.Run.Mounts {
		if slices.Contains([]string{"bind", "cache", "tmpfs"}, m.Type) && m.Target == "" {
			refuse(p, in, m.Span, fmt.Sprintf("RUN --mount=type=%s has no target, and the working directory is /: nothing can be mounted over all", m.Type), `invalid mount target "/"`,
				"Give the mount a target", p.At(in, "without a target it is mounted at the working directory"))
		}
	}
}

// mountImage is the image that a mount names, "" if it names a stage or none.
func mountImage(p *audit.Pass, m dockerfile.Mount) string {
	for _, s := range p.Dockerfile.Stages {
		if strings.EqualFold(s.Name, m.From) {
			return ""
		}
	}
	if number(m.From) || strings.Contains(m.From, "$") {
		return ""
	}
	return m.From
}

// checkMissingBase finds a FROM whose image name is empty unless --build-arg gives it a value.
func checkMissingBase(p *audit.Pass) {
	for _, m := range p.Dockerfile.Missing {
		if m.By == nil || m.By.Keyword != "FROM" || m.By.Stage == nil || !p.Dockerfile.Reachable(m.By.Stage) {
			continue
		}
		p.Report(p.BlameSpan(m.By, m.By.Span).Of(audit.Finding{
			Certainty: audit.Possible,
			Message:   fmt.Sprintf("FROM takes the build argument %s, which has no value: without --build-arg %s=.. the build ends here", m.Name, m.Name),
			Evidence:  []audit.Evidence{p.At(m.By, "the base image is %s", m.By.Stage.BaseRaw)},
			Words:     fmt.Sprintf("base name (%s) should not be blank", m.By.Stage.BaseRaw),
			Remedy:    fmt.Sprintf("Give ARG %s a default, or always build with --build-arg; audit with it, too", m.Name),
		}))
	}
}
