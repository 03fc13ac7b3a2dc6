package binary

import (
	"path"
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

var tempDir = detector{names: tempDirNames, detect: detectTempDir}

func detectTempDir(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(tempDirNames, inPackages("io/ioutil")) {
		if p.name(u.caller) == multipartForm {
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " for uploads above the memory limit")})
			continue
		}
		dir, constant := p.constant(u, 0)
		f := fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a directory known at run time only")}
		if constant {
			f = fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "("+strconv.Quote(dir)+", ...)")}
			if dir != "" {
				f.names = []string{dir}
			}
		}
		facts = append(facts, f)
	}
	facts = append(facts, p.tempFileFacts()...)
	if len(facts) == 0 {
		facts = p.linkedFact(tempDirNames)
	}
	b.addNeed(TopicTempDir, facts)
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
