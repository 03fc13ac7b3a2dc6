package prove

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imgaudit/imgaudit/pkg/audit"
	program "github.com/imgaudit/imgaudit/pkg/binary"
)

// remedies say what to do about a cause.
var remedies = map[audit.DiffCause]string{
	audit.CauseTime:       "Leave the time out, or take it from ARG SOURCE_DATE_EPOCH",
	audit.CauseLinkedTime: "Take the date of the commit (git log -1 --format=%cI), or leave it to runtime/debug.ReadBuildInfo, which has vcs.time",
	audit.CauseBuildPath:  "Build with -trimpath",
	audit.CauseVCS:        "Build from a commit, or with -buildvcs=false",
	audit.CauseRandom:     "Remove temporary files in the RUN that makes them, and make keys and identifiers when the service starts",
	audit.CauseOrder:      "Sort before writing",
	audit.CausePackages:   "Remove it in the RUN that makes it",
	audit.CauseModules:    "Pin the versions in go.mod and go.sum",
	audit.CauseSettings:   "Set flags and variables of go build in the Dockerfile",
	audit.CauseBuildID:    "Build with -trimpath, or with -ldflags=-buildid=",
}

// packageFiles are what package managers and their helpers leave, which holds times, inodes or the state of a mirror.
var packageFiles = []struct {
	path *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`^/var/log/(dpkg|alternatives|bootstrap|fontconfig)\.log|^/var/log/apt/|^/var/cache/debconf/`), "apt and dpkg log when they installed what"},
	{regexp.MustCompile(`^/var/log/apk\.log|^/(usr/)?lib/apk/db/|^/var/cache/apk/|^/etc/apk/`), "apk keeps times and the state of its mirror there"},
	{regexp.MustCompile(`^/var/lib/apt/(lists|periodic)|^/var/cache/apt/`), "apt keeps the state of its mirror there"},
	{regexp.MustCompile(`^/var/cache/ldconfig/aux-cache$`), "ldconfig keeps inodes and times of libraries there"},
	{regexp.MustCompile(`^/var/log/(dnf|yum|hawkey)|^/var/cache/(dnf|yum)/|^/var/lib/(rpm|dnf)/|^/usr/lib/sysimage/rpm/`), "dnf and rpm keep times there"},
	{regexp.MustCompile(`^/etc/(machine-id|ssh/ssh_host_.*)$|^/var/lib/dbus/machine-id$`), "it is generated at installation"},
	{regexp.MustCompile(`^/etc/shadow-?$`), "it holds the day on which a password was set"},
}

// look says how the contents of a file differ, of which there are two copies.
func (c *comparison) look(p, first, second string) (audit.Difference, error) {
	d := audit.Difference{What: "content", Path: p, Cause: audit.CauseUnknown}
	var files [2]*os.File
	var sizes [2]int64
	for i, name := range []string{first, second} {
		f, err := os.Open(name)
		if os.IsNotExist(err) {
			d.Because = fmt.Sprintf("it is larger than %d bytes and was not looked into", int64(maxLookedSize))
			return d, nil
		}
		if err != nil {
			return d, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return d, err
		}
		files[i], sizes[i] = f, info.Size()
	}
	d.First, d.Second = fmt.Sprintf("%d bytes", sizes[0]), fmt.Sprintf("%d bytes", sizes[1])
	spans := [2]span{c.built[0].span(), c.built[1].span()}
	if diff, err := program.Compare(files[0], files[1], sizes); err == nil {
		explainProgram(&d, diff, spans)
		return withRemedy(d), nil
	}
	var texts [2][]byte
	for i, f := range files {
		data, err := io.ReadAll(io.LimitReader(f, maxText))
		if err != nil {
			return d, err
		}
		texts[i] = data
	}
	explainContent(&d, texts, spans)
	for _, known := range packageFiles {
		if known.path.MatchString(p) {
			d.Cause, d.Because = audit.CausePackages, known.why
		}
	}
	return withRemedy(d), nil
}

// maxText is how much of a file that is no program is looked at, in bytes.
const maxText = 4 << 20

func withRemedy(d audit.Difference) audit.Difference {
	d.Remedy = remedies[d.Cause]
	return d
}

// explainContent explains a file that is no program.
func explainContent(d *audit.Difference, data [2][]byte, spans [2]span) {
	a, b := data[0], data[1]
	if isText(a) && isText(b) {
		d.First, d.Second = firstLines(string(a), string(b))
		d.Cause, d.Because = textCause(string(a), string(b), spans)
		return
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	d.First, d.Second = fmt.Sprintf("% x at byte %d", a[at:min(at+8, len(a))], at), fmt.Sprintf("% x", b[at:min(at+8, len(b))])
	switch {
	case bytes.HasPrefix(a, []byte{0x1f, 0x8b}) && at >= 4 && at < 8:
		d.Cause, d.Because = audit.CauseTime, "the header of gzip has the time of the build: gzip -n leaves it out"
		return
	case bytes.HasPrefix(a, []byte("PK\x03\x04")):
		d.Cause, d.Because = audit.CauseTime, "a zip file has the times of the files in it"
		return
	case timeNear(a, at, spans[0]) && timeNear(b, at, spans[1]):
		d.Cause, d.Because = audit.CauseTime, "the bytes are the time of the build"
		return
	}
	if len(a) == len(b) && len(a) > 0 {
		other := 0
		for i := range a {
			if a[i] != b[i] {
				other++
			}
		}
		if other*10 > len(a)*9 {
			d.Cause, d.Because = audit.CauseRandom, "nearly every byte differs"
		}
	}
}

func isText(b []byte) bool { return utf8.Valid(b) && !bytes.ContainsRune(b, 0) }

// timeNear tells whether the bytes around an offset are seconds since 1970 in the time of a build.
func timeNear(b []byte, at int, s span) bool {
	for from := max(0, at-7); from <= at && from+4 <= len(b); from++ {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if s.has(time.Unix(int64(order.Uint32(b[from:])), 0)) {
				return true
			}
		}
	}
	return false
}

// stamped is what go build writes of the commit: the settings vcs.*, and since Go 1.24 a version of the main module that is made
// of them.
var stamped = regexp.MustCompile(`vcs\.(revision|time|modified)|-(0\.)?\d{14}-[0-9a-f]{12}`)

// explainProgram explains an executable.
func explainProgram(d *audit.Difference, diff *program.Difference, spans [2]span) {
	d.Sections = diff.Sections
	stamps := slices.DeleteFunc(slices.Clone(diff.Settings), func(s string) bool { return !strings.HasPrefix(s, "vcs.") })
	settings := slices.DeleteFunc(slices.Clone(diff.Settings), func(s string) bool { return strings.HasPrefix(s, "vcs.") })
	places := slices.DeleteFunc(slices.Clone(diff.Places), func(p program.Place) bool {
		return diff.BuildID[0] != diff.BuildID[1] && strings.Contains(p.First, "Go build ID") || len(stamps) > 0 && stamped.MatchString(p.First)
	})
	for _, p := range places {
		_, a := spans[0].marks(p.First, false)
		_, b := spans[1].marks(p.Second, false)
		if a && b && len(diff.Modules) == 0 {
			d.Cause, d.Because = audit.CauseLinkedTime, "the time of each build stands in "+p.Section
			d.First, d.Second = quoted(p.First), quoted(p.Second)
			return
		}
	}
	switch {
	case len(diff.Modules) > 0:
		d.Cause, d.Because = audit.CauseModules, "the build information has "+diff.Modules[0]
	case len(stamps) > 0:
		d.Cause, d.Because = audit.CauseVCS, "the build information has "+strings.Join(stamps, ", ")
	case diff.Main != "":
		d.Cause, d.Because = audit.CauseModules, "the build information has "+diff.Main
	case !slices.Equal(diff.Paths[0], diff.Paths[1]):
		d.Cause, d.Because = audit.CauseBuildPath, "the table of source files has directories of the builder"
		d.First, d.Second = strings.Join(diff.Paths[0], ", "), strings.Join(diff.Paths[1], ", ")
	case len(settings) > 0:
		d.Cause, d.Because = audit.CauseSettings, "the build information has "+settings[0]
	case len(places) == 0 && diff.BuildID[0] != diff.BuildID[1]:
		d.Cause, d.Because = audit.CauseBuildID, "nothing but the build ID differs"
		d.First, d.Second = diff.BuildID[0], diff.BuildID[1]
	case len(places) > 0:
		p := places[0]
		d.First, d.Second = quoted(p.First), quoted(p.Second)
		switch cause, because := textCause(p.First, p.Second, spans); {
		case cause == audit.CauseRandom || temporary.MatchString(p.First):
			d.Cause, d.Because = audit.CauseRandom, fmt.Sprintf("in %s: %s", p.Section, because)
		case cause == audit.CauseTime:
			d.Cause, d.Because = audit.CauseLinkedTime, "in "+p.Section+": "+because
		}
	}
}

// whyMetadata says why something beside the contents differs.
func (c *comparison) whyMetadata(d audit.Difference, a, b *tar.Header) (audit.DiffCause, string) {
	spans := [2]span{c.built[0].span(), c.built[1].span()}
	switch d.What {
	case "mtime":
		copied := span{c.built[0].ended.Truncate(time.Second), c.built[1].began}
		switch {
		case spans[0].has(a.ModTime) && spans[1].has(b.ModTime):
			return audit.CauseTime, "it is the time of the build: the builder does not write SOURCE_DATE_EPOCH in its place"
		case a.ModTime.Before(spans[0].from) && copied.has(b.ModTime):
			return audit.CauseTime, "it is the time of the file in the context: the builder does not write SOURCE_DATE_EPOCH in its place"
		}
		return audit.CauseTime, "it is set relative to the time of the build"
	case "link":
		return textCause(a.Linkname, b.Linkname, spans)
	}
	return audit.CauseUnknown, ""
}

// sides lists the paths that only one image has, those that are the same file under another name as one difference. It
// says whether there were any.
func (c *comparison) sides(layer int, lists [2]map[string]*tarEntry) bool {
	var only [2][]string
	for side := range 2 {
		for p := range lists[side] {
			if lists[1-side][p] == nil {
				only[side] = append(only[side], p)
			}
		}
		slices.Sort(only[side])
	}
	spans := [2]span{c.built[0].span(), c.built[1].span()}
	below := map[string]bool{} // what is listed already, with all in it
	inside := func(p string) bool {
		for dir := path.Dir(p); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if below[dir] {
				return true
			}
		}
		return false
	}
	paired := map[string]bool{}
	for _, p := range only[0] {
		if inside(p) {
			below[p] = true
			continue
		}
		below[p] = true
		a := lists[0][p]
		d := audit.Difference{What: "only first", Path: p, First: typeNames[a.header.Typeflag], Cause: audit.CauseUnknown}
		for _, q := range only[1] {
			b := lists[1][q]
			if paired[q] || path.Dir(p) != path.Dir(q) || a.header.Typeflag != b.header.Typeflag {
				continue
			}
			if cause, because := textCause(path.Base(p), path.Base(q), spans); cause != audit.CauseUnknown {
				paired[q], below[q] = true, true
				d = audit.Difference{What: "name", Path: p, First: path.Base(p), Second: path.Base(q), Cause: cause, Because: because}
				break
			}
		}
		if d.What != "name" {
			d.Cause, d.Because = onlyCause(p)
		}
		c.add(withRemedy(d), layer, p)
	}
	for _, q := range only[1] {
		if paired[q] || inside(q) {
			below[q] = true
			continue
		}
		below[q] = true
		d := audit.Difference{What: "only second", Path: q, Second: typeNames[lists[1][q].header.Typeflag]}
		d.Cause, d.Because = onlyCause(q)
		c.add(withRemedy(d), layer, "")
	}
	return len(only[0])+len(only[1]) > 0
}

// onlyCause says why a path may be in one image alone.
func onlyCause(p string) (audit.DiffCause, string) {
	for _, known := range packageFiles {
		if known.path.MatchString(p) {
			return audit.CausePackages, known.why
		}
	}
	if temporary.MatchString(path.Base(p)) {
		return audit.CauseRandom, "it is a temporary file"
	}
	return audit.CauseUnknown, ""
}
