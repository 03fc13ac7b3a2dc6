package rules

import (
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// reach says how far something in a stage gets.
type reach int

const (
	ships       reach = iota // into the final image
	stays                    // in the build cache and the build's provenance
	unreachable              // in a stage that the target does not need
)

func (r reach) severity() audit.Severity {
	return [...]audit.Severity{audit.Error, audit.Warning, audit.Note}[r]
}

func (r reach) String() string {
	return [...]string{"it is in the final image", "it stays in the build cache", "its stage is not needed for the target"}[r]
}

// stageReach says how far the settings and layers of a stage get.
func stageReach(p *audit.Pass, s *dockerfile.Stage) reach {
	final := p.Dockerfile.Final()
	for f := final; f != nil; f = f.Parent {
		if f == s {
			return ships
		}
	}
	if p.Dockerfile.Reachable(s) {
		return stays
	}
	return unreachable
}

// pathReach says how far a path in a stage's file system gets: it ships with its stage, or when stages on the way to the
// final one copy it or a directory above it.
func pathReach(p *audit.Pass, s *dockerfile.Stage, name string) reach {
	const hops = 8 // stages in a row
	if r := stageReach(p, s); r != stays {
		return r
	}
	if copied(p, s, name, hops) {
		return ships
	}
	return stays
}

// copied reports whether COPY --from takes a path of a stage into the final image, directly or through other stages.
func copied(p *audit.Pass, s *dockerfile.Stage, name string, hops int) bool {
	if hops == 0 {
		return false
	}
	for _, t := range p.Dockerfile.Stages {
		for _, in := range t.Instructions {
			if in.Copy == nil || in.Copy.From == nil || !in.Copy.Known || !startsFrom(in.Copy.From, s) {
				continue
			}
			to, ok := takes(in.Copy, name)
			if ok && (stageReach(p, t) == ships || stageReach(p, t) == stays && copied(p, t, to, hops-1)) {
				return true
			}
		}
	}
	return false
}

// startsFrom reports whether a stage is s, or has s below it.
func startsFrom(t, s *dockerfile.Stage) bool {
	for ; t != nil; t = t.Parent {
		if t == s {
			return true
		}
	}
	return false
}

// takes reports whether one of a COPY's sources is the path or a directory above it, and where the path goes.
func takes(c *dockerfile.Copy, name string) (to string, ok bool) {
	for _, src := range c.Sources {
		src = path.Join("/", src)
		matches, _ := path.Match(src, name)
		switch {
		case src == "/":
			return path.Join(c.Dest, name), true
		case name == src && !c.DestDir:
			return path.Clean(c.Dest), true
		case name == src, matches:
			return path.Join(c.Dest, path.Base(name)), true
		case strings.HasPrefix(name, src+"/"):
			return path.Join(c.Dest, strings.TrimPrefix(name, src)), true
		}
	}
	return "", false
}
