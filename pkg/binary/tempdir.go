package binary

import (
	"path"
	"slices"
	"strconv"
)

// multipartForm writes uploads to a temporary file when they are larger than the caller's limit.
// Source: mime/multipart/formdata.go, readForm.
const multipartForm = "mime/multipart.(*Reader).readForm"

// The functions that create in a temporary directory; each takes the directory first. Those of io/ioutil do the work
// themselves in Go 1.16.
var tempDirNames = []string{"os.CreateTemp", "os.MkdirTemp", "io/ioutil.TempFile", "io/ioutil.TempDir"}

// defaultTemp is the directory that os.TempDir gives unless $TMPDIR says otherwise. Source: os/file_unix.go, tempDir.
const defaultTemp = "/tmp"

// askTemp returns it. Source: os/file.go, TempDir.
var askTemp = []string{"os.TempDir", "os.tempDir"}

var tempDir = detector{names: slices.Concat(tempDirNames, askTemp), detect: detectTempDir}

func detectTempDir(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(tempDirNames, inPackages("io/ioutil")) {
		if p.name(u.caller) == multipartForm {
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " for uploads above the memory limit")})
			continue
		}
		facts = append(facts, p.tempDirFact(u))
	}
	facts = append(facts, p.tempFileFacts()...)
	if len(facts) == 0 {
		facts = p.linkedFact(tempDirNames)
	}
	b.addNeed(TopicTempDir, facts)
}

// tempDirFact judges a call by its directory. One that is known at run time only need not be the default one.
func (p *program) tempDirFact(u use) fact {
	switch dir, constant := p.constant(u, 0); {
	case constant && dir != "":
		return fact{p.when(u, Proven), []string{dir}, p.evidence(u, "("+strconv.Quote(dir)+", ...)")}
	case constant:
		return fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "("+strconv.Quote(dir)+", ...)")}
	case p.asked(u):
		return fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " after os.TempDir")}
	}
	if dirs := p.passedDirs(u); len(dirs) > 0 {
		return fact{p.when(u, Likely), dirs, p.evidence(u, ", and is given "+strconv.Quote(dirs[0]))}
	}
	return fact{certainty: Possible, evidence: p.evidence(u, " with a directory known at run time only")}
}

// passedDirs returns the constant directories that callers hand to a function which creates in the one that it is given.
func (p *program) passedDirs(u use) []string {
	c, ok := p.tracedCall(u)
	if !ok || !c.words[0].known || c.words[0].kind != isParameter {
		return nil
	}
	var dirs []string
	for _, caller := range p.graph.callers(u.caller, maxListCallers) {
		for _, given := range p.callsTo(caller, func(callee int32) bool { return callee == u.caller }) {
			if dir, ok := given.text(p, int(c.words[0].n)); ok && dir != "" && p.reach.reached(caller) {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// asked says whether the call before a use, in the order of the code, is that of os.TempDir, or of what is left of it
// where it is inlined.
func (p *program) asked(u use) bool {
	if u.how != called || p.graph == nil {
		return false
	}
	var last use
	p.track(u.caller, func(at int64, s step, _ *registers) {
		if s.flow != flowCall || at >= int64(u.at) {
			return
		}
		last = use{caller: u.caller, at: uint32(at)}
		if callee, ok := p.fns.at(uint64(s.target)); ok && s.target >= 0 {
			last.name = p.name(callee)
		}
	})
	if last.name == "os.Getenv" {
		name, ok := p.constant(last, 0)
		return ok && name == "TMPDIR"
	}
	return slices.Contains(askTemp, last.name)
}

// tempFileFacts are the files that the program writes to below /tmp by a constant name. A directory that it makes
// itself, with what is above it, asks for no more than the right to make it.
func (p *program) tempFileFacts() []fact {
	var facts []fact
	var made []string
	all := p.namedFiles()
	for _, f := range all {
		if f.access == makesPath && isWithin(f.path, defaultTemp) && f.path != defaultTemp {
			made = append(made, f.path)
			facts = append(facts, fact{p.when(f.use, Proven), []string{defaultTemp}, p.evidence(f.use, "("+strconv.Quote(f.path)+")"+f.access.String())})
		}
	}
	for _, f := range all {
		dir := path.Dir(f.path)
		if f.access == writes && isWithin(dir, defaultTemp) && !isWithin(dir, made...) {
			facts = append(facts, fact{p.when(f.use, Proven), []string{dir}, p.evidence(f.use, "("+strconv.Quote(f.path)+")"+f.access.String())})
		}
	}
	return facts
}
