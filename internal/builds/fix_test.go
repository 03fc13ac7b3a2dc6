package builds

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestFixes builds and runs every service of testdata/fix as it is and as corrected: what is wrong with it happens, and
// does not happen any more.
func TestFixes(t *testing.T) {
	l := need(t)
	files, err := filepath.Glob("../../testdata/fix/*/expect")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d services: %v", len(files), err)
	}
	l.peer(t)
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			l.buildFix(t, dir, readExpect(t, file))
		})
	}
}

// expect is what testdata/fix/README.md says of the file of that name.
type expect struct {
	before, after seen
	stop, unsafe  bool
	layout        string // of testdata/layouts, "" for a context of its own
}

// seen is an exit code and words, both expressions.
type seen struct{ code, words *regexp.Regexp }

func readExpect(t *testing.T, file string) (e expect) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		code, words, _ := strings.Cut(rest, " ")
		switch verb {
		case "before", "after":
			s := seen{regexp.MustCompile("^(" + code + ")$"), regexp.MustCompile(words)}
			if verb == "before" {
				e.before = s
			} else {
				e.after = s
			}
		case "layout":
			e.layout = rest
		case "stop":
			e.stop = true
		case "unsafe":
			e.unsafe = true
		}
	}
	if e.before.code == nil || e.after.code == nil {
		t.Fatalf("%s has no before or no after", file)
	}
	return e
}

// buildFix builds and runs one service before and after its correction, which is made of the audit of its image.
func (l *rig) buildFix(t *testing.T, dir string, want expect) {
	context := filepath.Join(t.TempDir(), "context")
	from := filepath.Join(dir, "context")
	if want.layout != "" {
		from = filepath.Join("../../testdata/layouts", want.layout)
	}
	if err := os.CopyFS(context, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	downloadModules(t, context)
	image, words := l.archive(t, lab.Build{Dockerfile: original, Context: context})
	switch fails := want.before.code.MatchString(builds); {
	case fails && !want.before.words.MatchString(words):
		t.Fatalf("as it is: the build does not say %s: %s", want.before.words, words)
	case fails:
		image = ""
	case words != "":
		t.Fatalf("as it is: %s", words)
	default:
		l.see(t, "as it is", image, want.before, want.stop)
	}
	rule := l.ruleOf(t, dir)
	fixed, ignore := correct(t, image, original, context, rule, want.unsafe)
	if ignore != nil {
		write(t, context, ".dockerignore", ignore)
	}
	image, words = l.archive(t, lab.Build{Dockerfile: fixed, Context: context})
	if words != "" {
		t.Fatalf("as corrected: %s\n%s", words, fixed)
	}
	l.see(t, "as corrected", image, want.after, want.stop)
	for _, f := range l.audit(t, image, fixed, context) {
		if f.Rule == rule {
			t.Errorf("as corrected it still has: %s: %s\n%s", f.Rule, f.Message, fixed)
		}
	}
}

// builds stands in an expectation in the place of an exit code: the words are BuildKit's, which fails.
const builds = "build"

// see runs an image and compares.
func (l *rig) see(t *testing.T, when, image string, want seen, stop bool) {
	t.Helper()
	o := outcome{}
	if stop {
		o = l.stop(t, image)
	} else {
		o = l.start(t, image)
	}
	if !want.code.MatchString(strconv.Itoa(o.code)) || !want.words.MatchString(o.output) {
		t.Errorf("%s: exit code %d, output %q; want %s and %s", when, o.code, o.output, want.code, want.words)
	}
}

// ruleOf is the rule that the name of a service begins with.
func (l *rig) ruleOf(t *testing.T, dir string) string {
	t.Helper()
	best := ""
	for _, r := range rules.All() {
		if strings.HasPrefix(filepath.Base(dir), r.ID) && len(r.ID) > len(best) {
			best = r.ID
		}
	}
	if best == "" {
		t.Fatalf("%s is named after no rule", dir)
	}
	return best
}

// correct corrects a Dockerfile by what the audit of its image says, or of its text where it does not build: all that is safe, or the one rule's unsafe fixes.
func correct(t *testing.T, image string, original []byte, context, rule string, unsafe bool) (fixed, ignore []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(name, original, 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"oci-archive:" + image}
	if image == "" {
		args = []string{"dockerfile:" + name}
	}
	subjects, err := target.Subjects(t.Context(), args, target.Options{Dockerfile: name, Context: context, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	opt := repair.Options{}
	if unsafe {
		opt = repair.Options{Unsafe: true, Rules: []string{rule}}
	}
	c, err := repair.Correct(subjects[0], rules.All(), opt)
	if err != nil {
		t.Fatal(err)
	}
	fixed = original
	for _, f := range c.Files {
		if strings.HasSuffix(f.Path, "ignore") {
			ignore = f.After
		} else {
			fixed = f.After
		}
	}
	if len(c.Applied) == 0 {
		t.Fatalf("no fix of %s was applied; left: %+v", rule, c.Left)
	}
	return fixed, ignore
}
