package binary

import "strconv"

// multipartForm writes uploads to a temporary file when they are larger than the caller's limit.
// Source: mime/multipart/formdata.go, readForm.
const multipartForm = "mime/multipart.(*Reader).readForm"

// The functions that create in a temporary directory; each takes the directory first. Those of io/ioutil do the work
// themselves in Go 1.16.
var tempDirNames = []string{"os.CreateTemp", "os.MkdirTemp", "io/ioutil.TempFile", "io/ioutil.TempDir"}

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
	if len(facts) == 0 {
		facts = p.linkedFact(tempDirNames)
	}
	b.addNeed(TopicTempDir, facts)
}
