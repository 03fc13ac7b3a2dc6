package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// commonTempDir reports whether a directory is for everybody's temporary files: /tmp, /var/tmp, or what TMPDIR names.
func commonTempDir(p *audit.Pass, dir string) bool {
	set, _ := p.Image.Config.Getenv("TMPDIR")
	return plainPath(dir) && path.IsAbs(dir) && (dir == "/tmp" || dir == "/var/tmp" || dir == set)
}

// makeTempDir makes a directory of mode 1777 in the final image: by a RUN where it has a shell, else in a stage that has
// one, from where it is copied together with the directory around it. COPY --chmod=1777 of an empty directory does not
// do: BuildKit leaves the sticky bit out and gives the mode to the directories above too, buildah ignores it. Seen with
// BuildKit 0.34 and buildah 1.28.
func makeTempDir(p *audit.Pass, dir string) *audit.Fix {
	const title, around = "Make %s with mode 1777 in the image", "/rootfs"
	if fits, _ := p.DockerfileFits(); !fits || !commonTempDir(p, dir) || !clear(p, dir) {
		return nil
	}
	heading := strings.Replace(title, "%s", dir, 1)
	if p.Image.FS.Shell("/bin/sh").Kind != "" {
		return fixOf(heading, audit.Safe, runInFinal(p, nil, "mkdir -p -m 1777 "+dir, "mkdir"))
	}
	stage := shellStage(p, around)
	if stage == nil {
		return nil
	}
	last := stage.From
	if n := len(stage.Instructions); n > 0 {
		last = stage.Instructions[n-1]
	}
	edits := intoFinal(p, "COPY --from="+stageRef(stage)+" "+around+"/ /")
	return fixOf(heading, audit.Safe, append(edits, lineAfter(p, last, "RUN mkdir -p -m 1777 "+around+dir)))
}

// openTempDir gives a directory mode 1777 that is there with another.
func openTempDir(p *audit.Pass, dir string) *audit.Fix {
	if fits, _ := p.DockerfileFits(); !fits {
		return nil
	}
	cause := p.BlamePath(dir)
	var behind *dockerfile.Instruction
	if cause.Blame.Kind == audit.BlameInstruction {
		behind = cause.By
	}
	return fixOf("Give "+dir+" mode 1777", audit.Safe, runInFinal(p, behind, "chmod 1777 "+dir, "chmod"))
}

// shellStage is a stage from which the final one copies and in which root can make directories, none of that name being
// spoken of; nil if none is known to be such.
func shellStage(p *audit.Pass, name string) *dockerfile.Stage {
	for _, in := range p.Dockerfile.Final().Instructions {
		if in.Copy == nil || in.Copy.From == nil || stageReach(p, in.Copy.From) == ships {
			continue
		}
		s := in.Copy.From
		known := slices.Contains([]string{"golang", "golang-alpine", "alpine", "debian", "buildpack-deps"}, baseKindOf(s.Root()))
		root := s.User.By == nil || s.User.Known && isRoot(s.User.Value)
		if known && root && len(s.Shell.Words) == 0 && !slices.ContainsFunc(steps(s), func(in *dockerfile.Instruction) bool { return strings.Contains(p.Dockerfile.Text(in.Span), name) }) {
			return s
		}
	}
	return nil
}
