package binary

import (
	"path"
	"strconv"
	"strings"
)

// fileAccess is what a function does with the file that its first argument names.
type fileAccess int

const (
	reads fileAccess = iota
	writes
	asFlagged  // by the flags in the third word
	makesPath  // makes a directory and those above it
	unknownUse // flags that are not constant
)

// String is how evidence tells it.
func (a fileAccess) String() string {
	return [...]string{", to read", ", to write", "", ", with what is above it", ""}[a]
}

// fileNames are the functions that open a file or make a directory by name. os.Open and os.Create are inlined and end in
// os.OpenFile. Source: os/file.go, os/path.go.
var fileNames = []string{"os.OpenFile", "os.Open", "os.Create", "os.ReadFile", "os.ReadDir", "os.WriteFile", "os.MkdirAll"}

var fileAccesses = map[string]fileAccess{
	"os.OpenFile": asFlagged, "os.Open": reads, "os.Create": writes, "os.ReadFile": reads, "os.ReadDir": reads, "os.WriteFile": writes,
	"os.MkdirAll": makesPath,
}

var openedFiles = detector{names: fileNames, detect: detectFiles}

// namedFile is a use of a file by a constant absolute path, which is clean.
type namedFile struct {
	use    use
	path   string
	access fileAccess
}

// namedFiles returns the files that the program's own code opens by a constant absolute path.
func (p *program) namedFiles() []namedFile {
	var found []namedFile
	for _, u := range p.usesOf(fileNames, isStandard) {
		c, ok := p.callAt(u)
		if !ok {
			continue
		}
		name, ok := c.text(p, 0)
		if !ok || !path.IsAbs(name) || strings.ContainsRune(name, 0) {
			continue
		}
		found = append(found, namedFile{u, path.Clean(name), c.access(fileAccesses[u.name])})
	}
	return found
}

// access resolves asFlagged by the flags of the call. The values are Linux's on every machine that Go knows.
func (c *callState) access(a fileAccess) fileAccess {
	const flagWord, accessMode, create, appends = 2, 3, 0x40, 0x400
	switch {
	case a != asFlagged:
		return a
	case c.known>>flagWord&1 == 0:
		return unknownUse
	case c.words[flagWord]&(accessMode|create|appends) == 0:
		return reads
	}
	return writes
}

// given are directories that the run-time provides, whatever the image has. Source: the default mounts of the OCI
// run-time specification for Linux.
var given = []string{"/dev", "/proc", "/sys"}

// isWithin says whether a clean path is a directory or below it.
func isWithin(name string, dirs ...string) bool {
	for _, dir := range dirs {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// detectFiles is likely at most: a program may do without a file that it asks for.
func detectFiles(p *program, b *Binary) {
	var facts []fact
	for _, f := range p.namedFiles() {
		if isWithin(f.path, given...) || isWithin(f.path, defaultTemp) {
			continue
		}
		facts = append(facts, fact{
			certainty: p.when(f.use, Likely),
			names:     []string{f.path},
			evidence:  p.evidence(f.use, "("+strconv.Quote(f.path)+")"+f.access.String()),
		})
	}
	b.addNeed(TopicFiles, facts)
}
