package binary

import (
	"slices"
	"strings"
)

const gorootName = "runtime.GOROOT"

var goroot = detector{names: []string{gorootName}, detect: detectGOROOT}

// detectGOROOT looks for the string that runtime.GOROOT returns if the environment has none (runtime.defaultGOROOT,
// set by the linker, empty with -trimpath). Symbols may be gone, so it is found by the code that loads it: two words
// side by side that are the header of an absolute path. A program that does not link runtime.GOROOT has no use for it.
func detectGOROOT(p *program, b *Binary) {
	if b.Go == nil || b.Go.Settings["-trimpath"] == "true" || !p.linked[gorootName] {
		return
	}
	where := slices.Clone(p.bodies[gorootName])
	for _, u := range p.uses[gorootName] {
		if u.how == inlinedInto {
			where = append(where, u.caller)
		}
	}
	for _, fn := range where {
		loads := p.loads(fn)
		for at := range loads {
			if !loads[at+p.m.f.pick(4, 8)] {
				continue
			}
			if s, ok := goString(p.m, at, maxConstant); ok && strings.HasPrefix(s, "/") {
				b.Go.GOROOT = s
				return
			}
		}
	}
}
