package reality

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// cell is one image, with the rule that is to foretell whether its program fails. It does not say whether the rule
// fires: that is what the run decides.
type cell struct {
	name     string
	rule     string
	root     part
	config   layers.Config // Entrypoint is /app if there is neither it nor Cmd
	bare     bool          // the config has no command at all
	trial    trial
	failed   func(outcome) bool // nil: not started, or ended with another exit code than 0
	network  bool               // the program shares the tests' network, where the TLS server is
	runc     bool               // run by runc too, whose words the finding's are
	onlyRunc bool               // not by the tests' own chroot, which enters the working directory as the user
	// limit says why the program fails although the rule is silent: something that the rule does not cover.
	limit string
	// alarm says why the rule fires although the program runs: something that the reader cannot see. Never proven.
	alarm string
	// older is what an older runc says instead of the finding's words: one built with Go before 1.20, whose os/exec asks
	// only for any x bit.
	older string
	// foreign says whose words the finding has if not those of what runs here.
	foreign string
}

// trial is what is done with the program.
type trial func(t *testing.T, s *audit.Subject, root string, c cell) outcome

// world is what the cells share.
type world struct {
	shop    *workshop
	zoneZip []byte
	peer    *peer
	tally   *tally
}

func ended(o outcome) bool { return o.refused != "" || o.code != 0 }

// without is failed for a program that shall print a text.
func without(text string) func(outcome) bool {
	return func(o outcome) bool { return ended(o) || !strings.Contains(o.output, text) }
}

// TestReality runs every cell and compares. It ends with a table of how many cells each rule was held against.
func TestReality(t *testing.T) {
	needLinux(t)
	zip, err := os.ReadFile(filepath.Join(goroot(t), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{shop: newWorkshop(t), zoneZip: zip, tally: newTally(), peer: newPeer(t)}
	cells := slices.Concat(loaderCells, libraryCells, libcCells, architectureCells(), entrypointCells, permissionCells, shellCells,
		caRootsCells, zoneinfoCells(goroot(t)), localTimeCells, tempDirCells, signalCells(), unhandledCells, stopSignalCells(), profilingCells(), orphanCells(), userCells, environmentCells(),
		commandCells, userDatabaseCells, unreadableCells, expiredCells, mimeCells, stubCells, healthcheckCells, resolverCells, setuidCells(), leftoverCells())
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(c.rule+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				w.compare(t, c)
			})
		}
	})
	t.Logf("%d cells\n%s", len(cells), w.tally)
}

// compare audits the image of a cell, runs it, and holds the one against the other.
func (w *world) compare(t *testing.T, c cell) {
	if c.config.Entrypoint == nil && c.config.Cmd == nil && !c.bare {
		c.config.Entrypoint = []string{"/app"}
	}
	files := c.root(t, w)
	subject, result := foretell(t, c, files)
	finding := foretold(result, c.rule)
	outcomes := w.run(t, c, subject, files)
	for _, engine := range slices.Sorted(maps.Keys(outcomes)) {
		o := outcomes[engine]
		remark, agreed := c.judge(engine, finding, o)
		switch {
		case !agreed:
			t.Errorf("%s: %s", engine, remark)
		case remark != "":
			t.Logf("%s: %s", engine, remark)
		}
		if agreed && !c.hasFailed(o) {
			agreed = noOther(t, c, result, o)
		}
		w.tally.add(c, finding, c.hasFailed(o), agreed)
	}
}

func (c cell) hasFailed(o outcome) bool {
	if c.failed != nil {
		return c.failed(o)
	}
	return ended(o)
}

// foretell audits the image as the command does: written to a layout, and read from there.
func foretell(t *testing.T, c cell, files []layers.File) (*audit.Subject, *audit.Result) {
	t.Helper()
	img := imagetest.Image{Config: c.config, Layers: [][]layers.File{files}, Packing: map[int]imagetest.Packing{0: imagetest.Plain}}
	layout := t.TempDir()
	imagetest.WriteLayout(t, layout, "", img.Build(t))
	subjects, err := target.Subjects(context.Background(), []string{"oci:" + layout}, target.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range subjects[0].Unread {
		t.Errorf("not read: %s: %s", u.What, u.Because)
	}
	return subjects[0], audit.Run(subjects[0], rules.All())
}

// foretold is a rule's most certain finding, nil if it is silent.
func foretold(r *audit.Result, rule string) *audit.Finding {
	order := []audit.Certainty{audit.Proven, audit.Likely, audit.Possible}
	var found *audit.Finding
	for i, f := range r.Findings {
		if f.Rule == rule && (found == nil || slices.Index(order, f.Certainty) < slices.Index(order, found.Certainty)) {
			found = &r.Findings[i]
		}
	}
	return found
}

// run runs the cell by each of its engines.
func (w *world) run(t *testing.T, c cell, s *audit.Subject, files []layers.File) map[string]outcome {
	t.Helper()
	outcomes := map[string]outcome{}
	if !c.onlyRunc {
		root := t.TempDir()
		unpack(t, root, append(engineFiles(), files...))
		makeNull(t, root)
		if c.trial == nil {
			c.trial = toItsEnd
		}
		outcomes["chroot"] = c.trial(t, s, root, c)
	}
	if c.runc || c.onlyRunc {
		bundle := t.TempDir()
		unpack(t, filepath.Join(bundle, "rootfs"), files)
		outcomes["runc"] = runc(t, s, bundle, s.Process.Argv)
	}
	return outcomes
}

// engineFiles are those that every engine puts into a container, /dev aside.
func engineFiles() []layers.File {
	return []layers.File{{Path: "/etc/hosts", Mode: 0o644, Data: []byte("127.0.0.1 localhost\n::1 localhost\n")}}
}

// judge compares what a rule foretold with an outcome, and says what is to be said of it.
func (c cell) judge(engine string, f *audit.Finding, o outcome) (remark string, agreed bool) {
	failed := c.hasFailed(o)
	both := fmt.Sprintf("\nforetold %v\nseen     %v", show(f), o)
	switch {
	case f != nil && f.Certainty == audit.Possible:
		return fmt.Sprintf("possible, and failed is %v", failed) + both, true
	case c.limit != "":
		if f == nil && failed {
			return "not covered: " + c.limit + both, true
		}
		return "no longer a limit: " + c.limit + both, false
	case c.alarm != "":
		if f != nil && f.Certainty != audit.Proven && !failed {
			return "false alarm: " + c.alarm + both, true
		}
		return "no longer a false alarm: " + c.alarm + both, false
	case (f != nil) != failed:
		return "not as foretold" + both, false
	case !failed || c.foreign != "" || engine == "runc" && c.older != "" && strings.HasSuffix(o.refused, c.older):
		return "", true
	}
	if missing := unsaid(f.Words, engine, o); missing != "" {
		return fmt.Sprintf("never said %q", missing) + both, false
	}
	return "", true
}

func show(f *audit.Finding) string {
	if f == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s (%s): %s; words %q", f.Rule, f.Certainty, f.Message, f.Words)
}

var exitCode = regexp.MustCompile(`exit code (\d+)`)

// unsaid returns the words of a finding that were not seen, "" if all were: an exit code if the words tell one, else
// each line, "..." standing for anything. A program that was refused was so by the kernel, which gives but an error
// number, unless runc speaks.
func unsaid(words, engine string, o outcome) string {
	if m := exitCode.FindStringSubmatch(words); m != nil {
		if strconv.Itoa(o.code) != m[1] {
			return words
		}
		return ""
	}
	said := o.output
	if o.refused != "" {
		said = o.refused
		if engine == "chroot" {
			words = words[strings.LastIndex(words, ": ")+len(": "):]
			words = strings.Replace(words, "executable file not found in $PATH", "no such file or directory", 1)
		}
	}
	for line := range strings.Lines(words) {
		line = strings.TrimSuffix(line, "\n")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, `\S*`)
		if !regexp.MustCompile(pattern).MatchString(said) {
			return line
		}
	}
	return ""
}

// fatal are the rules whose proven findings say that the program does not do its work.
var fatal = []string{"loader-missing", "library-missing", "libc-mismatch", "architecture-mismatch", "entrypoint-missing",
	"entrypoint-not-executable", "ca-roots-missing", "ca-roots-unreadable", "user-database-missing", "zoneinfo-missing", "temp-dir-missing"}

// noOther reports findings of other rules that say that a program fails which did not.
func noOther(t *testing.T, c cell, r *audit.Result, o outcome) bool {
	t.Helper()
	good := true
	for _, f := range r.Findings {
		if f.Rule != c.rule && f.Certainty == audit.Proven && slices.Contains(fatal, f.Rule) && !ended(o) {
			t.Errorf("foretold %v\nseen     %v", show(&f), o)
			good = false
		}
	}
	return good
}

// notCovered makes a cell one whose program fails although the rule is silent.
func notCovered(because string, c cell) cell {
	c.limit = because
	return c
}
