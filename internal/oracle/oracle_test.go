package oracle

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// ours is what pkg/dockerfile says of a build; known says whether it is told of the base image.
func (b input) ours(t testing.TB, known bool) (f *dockerfile.File, all []dockerfile.Warning, err error) {
	t.Helper()
	opt := dockerfile.Options{BuildArgs: b.args}
	if known {
		opt.Bases = func(string, string) *dockerfile.Base {
			c := b.base
			base := &dockerfile.Base{Env: c.Env, User: c.User, WorkDir: c.WorkingDir, Shell: c.Shell, OnBuild: c.OnBuild}
			if b.arch != "" {
				base.Platform = "linux/" + b.arch
			}
			return base
		}
	}
	f, err = dockerfile.Parse("Dockerfile", b.source, opt)
	if err != nil {
		return nil, nil, err
	}
	all = slices.Clone(f.Warnings)
	if b.ignore != "" {
		root := fstest.MapFS{".dockerignore": &fstest.MapFile{Data: []byte(b.ignore)}}
		ctx, err := dockerfile.NewContext(".", root, "Dockerfile")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f.Ignored(ctx)...)
	}
	return f, all, nil
}

func fromOurs(all []dockerfile.Warning, keep func(dockerfile.Warning) bool) []said {
	var out []said
	for _, w := range all {
		if keep(w) {
			out = append(out, said{w.Rule, w.Message, w.First, w.Last})
		}
	}
	return out
}

func every(dockerfile.Warning) bool { return true }

var (
	suggestion = regexp.MustCompile(` \(did you mean \S+\?\)$`)
	completed  = regexp.MustCompile(` (?:\S+/library/)?([^ :]+)(?::latest)? was`)
)

// sorted makes two lists comparable. BuildKit takes the suggestion of UndefinedArgInFrom out of a map, so that of two
// equally near names it says now one, now the other. It names the base image as written, but one that only a trigger makes
// needed with registry and tag.
func sorted(list []said) []string {
	var out []string
	for _, s := range list {
		switch s.rule {
		case "UndefinedArgInFrom":
			s.message = suggestion.ReplaceAllString(s.message, "")
		case "InvalidBaseImagePlatform":
			s.message = completed.ReplaceAllString(s.message, " $1 was")
		}
		out = append(out, s.String())
	}
	slices.Sort(out)
	return out
}

// difference lists what only one of two sorted lists has.
func difference(theirs, ours []string) (onlyTheirs, onlyOurs string) {
	count := map[string]int{}
	for _, s := range theirs {
		count[s]++
	}
	for _, s := range ours {
		count[s]--
	}
	for _, s := range slices.Sorted(maps.Keys(count)) {
		switch n := count[s]; {
		case n > 0:
			onlyTheirs += fmt.Sprintf("  only BuildKit: %s\n", s)
		case n < 0:
			onlyOurs += fmt.Sprintf("  only ours:     %s\n", s)
		}
	}
	return onlyTheirs, onlyOurs
}

// notRefused are errors of BuildKit that we do not take for a refusal of the file, each with its reason.
var notRefused = []struct{ error, because string }{
	{"SOURCE_DATE_EPOCH|^invalid context name ", "the time of a build, and the stage that gives it, are not read here"},
	{"^invalid checksum digest format$", "a checksum is not verified"},
	{"^invalid syntax$", "a symbolic --chmod is not read"},
	{"^--chown=.*: user and group names can't be resolved", "the rule does-not-build says it"},
	{"^invalid signal: ", "the rule stop-signal-mismatch says it, with the signals that the program handles"},
}

func excepted(message string) bool {
	for _, e := range notRefused {
		if regexp.MustCompile(e.error).MatchString(message) {
			return true
		}
	}
	return false
}

// given gives a value to every build argument that is missing: without it BuildKit refuses a FROM that names it, and we say
// that it is not known.
func (b *input) given(t testing.TB) {
	t.Helper()
	for range 3 {
		own, _, err := b.ours(t, true)
		if err != nil || len(own.Missing) == 0 {
			return
		}
		if b.args == nil {
			b.args = map[string]string{}
		}
		for _, m := range own.Missing {
			b.args[m.Name] = "value"
		}
	}
}

// compared is the tally of a comparison.
type compared struct {
	files, refused, stopped int // by the check of all stages
	targets, excepted       int // by the build of the target
	rules                   map[string]int
}

// compare compares one file: all its stages over a base image that is not known to us, then the target's build over
// several that are.
func (c *compared) compare(t *testing.T, f file) {
	t.Helper()
	b := input{source: f.source, ignore: f.ignore}
	b.given(t)
	for _, base := range bases(f.source) {
		known := b
		known.base, known.arch = base.config, base.arch
		c.target(t, f, base.name, known)
	}
	c.all(t, f, b)
}

// all compares the check of all stages. The base image is not known to us and has nothing for BuildKit: what BuildKit says
// then is all that it may ever say.
func (c *compared) all(t *testing.T, f file, b input) {
	t.Helper()
	theirs, stopped := b.check(t)
	own, all, err := b.ours(t, false)
	switch {
	case err != nil && stopped != "":
		c.refused++
		return
	case err == nil && strings.HasPrefix(stopped, "lint violation"):
		c.sameFailure(t, f, stopped, all)
	case err == nil && stopped != "":
		// The check stops in a stage that the target does not need, or at a value that the base decides: compared by target.
		c.stopped++
		return
	case err != nil:
		t.Errorf("%s: only ours refuses it: %v\n%s", f.name, err, f.source)
		return
	}
	c.files++
	for _, s := range theirs {
		c.rules[s.rule]++
	}
	mine := sorted(fromOurs(all, every))
	theirs = slices.DeleteFunc(theirs, func(s said) bool { return baseDecides(s, all) && !slices.Contains(mine, s.String()) })
	if a, o := difference(sorted(theirs), mine); a+o != "" {
		t.Errorf("%s:\n%s%s%s", f.name, a, o, f.source)
	}
	c.rich(t, f, b, all)
	spans(t, f, own, all)
}

// baseDecides reports whether a warning is about a value that depends on a variable which the base image may define: we say
// of that line that the variable is not defined, and no more.
func baseDecides(s said, all []dockerfile.Warning) bool {
	return slices.Contains([]string{"CopyIgnoredFile", "ExposeInvalidFormat", "ExposeProtoCasing", "WorkdirRelativePath"}, s.rule) &&
		slices.ContainsFunc(all, func(w dockerfile.Warning) bool { return w.Rule == "UndefinedVar" && w.Unsure && w.First == s.first })
}

// sameFailure compares the rules that end the build.
func (c *compared) sameFailure(t *testing.T, f file, stopped string, all []dockerfile.Warning) {
	t.Helper()
	theirs := strings.Split(strings.TrimPrefix(stopped, "lint violation found for rules: "), ", ")
	slices.Sort(theirs)
	var own []string
	for _, w := range all {
		own = append(own, w.Rule)
	}
	slices.Sort(own)
	if own = slices.Compact(own); !slices.Equal(theirs, own) {
		t.Errorf("%s: fails by %q, ours %q\n%s", f.name, theirs, own, f.source)
	}
}

// target compares refusals, and the warnings of the build of the target: of the stages that it needs, and of the file as a
// whole.
func (c *compared) target(t *testing.T, f file, base string, b input) {
	t.Helper()
	result, theirs, stopped := b.convert(t)
	own, all, err := b.ours(t, true)
	fails := stopped != nil && strings.HasPrefix(stopped.Error(), "lint violation")
	switch {
	case err != nil && stopped != nil:
		return
	case err == nil && stopped != nil && !fails && excepted(stopped.Error()):
		c.excepted++
		return
	case (err != nil) != (stopped != nil && !fails):
		t.Errorf("%s, %s: BuildKit: %v, ours: %v\n%s", f.name, base, stopped, err, f.source)
		return
	}
	c.targets++
	for _, s := range theirs {
		if s.rule == "InvalidBaseImagePlatform" { // the check of all stages has the right platform
			c.rules[s.rule]++
		}
	}
	theirs = slices.DeleteFunc(theirs, func(s said) bool { return s.rule == "InvalidBaseImagePlatform" && !isFrom(own, s) })
	built := fromOurs(all, func(w dockerfile.Warning) bool { return w.Built })
	if a, o := difference(sorted(theirs), sorted(built)); a+o != "" {
		t.Errorf("%s, target, %s:\n%s%s%s", f.name, base, a, o, f.source)
	}
	if marked := slices.ContainsFunc(all, func(w dockerfile.Warning) bool { return w.Fails }); marked != fails {
		t.Errorf("%s, %s: BuildKit ends with %v, ours is marked: %v\n%s", f.name, base, stopped, marked, f.source)
	}
	if result != nil {
		state(t, f, base, own, result)
	}
}

// isFrom reports whether a warning is about a FROM: the images of COPY --from and of mounts are not looked up by us.
func isFrom(own *dockerfile.File, s said) bool {
	return slices.ContainsFunc(own.Stages, func(stage *dockerfile.Stage) bool {
		return s.first <= stage.From.Span.Start.Line && stage.From.Span.Start.Line <= s.last
	})
}

// base is the config of every base image of a comparison.
type base struct {
	name, arch string
	config     dockerspec.DockerOCIImageConfig
}

// bases are the base images: one that has nothing, one that defines every variable, one with triggers for another machine.
func bases(source []byte) []base {
	rich := base{name: "rich base", config: richConfig(source)}
	other := base{name: "base with triggers", arch: "arm64"}
	other.config.OnBuild = []string{"WORKDIR rel", "ENV FROM_BASE=$UNKNOWN Old_KEY=1", "CMD run it", "EXPOSE 80/TCP"}
	other.config.User, other.config.Env = "app", []string{"PATH=/p", "HOME=/h"}
	return []base{{name: "empty base"}, rich, other}
}

var variableName = regexp.MustCompile(`\$\{?([A-Za-z_]\w*)`)

// rich compares with a base image that defines every variable and a shell: what we are sure of, BuildKit says then, too.
func (c *compared) rich(t *testing.T, f file, b input, all []dockerfile.Warning) {
	t.Helper()
	b.base = richConfig(f.source)
	theirs, stopped := b.check(t)
	if stopped != "" && !strings.HasPrefix(stopped, "lint violation") {
		return
	}
	sure := func(w dockerfile.Warning) bool { return !w.Unsure }
	if _, o := difference(sorted(theirs), sorted(fromOurs(all, sure))); o != "" {
		t.Errorf("%s, with a rich base:\n%s%s", f.name, o, f.source)
	}
}

func richConfig(source []byte) dockerspec.DockerOCIImageConfig {
	var c dockerspec.DockerOCIImageConfig
	c.WorkingDir, c.Shell = "/rich", []string{"/bin/bash", "-c"}
	for _, m := range variableName.FindAllSubmatch(source, -1) {
		if kv := string(m[1]) + "=/rich"; !slices.Contains(c.Env, kv) {
			c.Env = append(c.Env, kv)
		}
	}
	return c
}

// TestChecks compares the warnings over the corpus and changed files.
func TestChecks(t *testing.T) {
	files := corpus(t)
	c := &compared{rules: map[string]int{}}
	for _, f := range append(files, mutate(files)...) {
		c.compare(t, f)
	}
	t.Logf("%d files compared, %d refused by both, %d stopped in a stage that is not needed; %d builds of the target compared, %d excepted",
		c.files, c.refused, c.stopped, c.targets, c.excepted)
	if len(c.rules) != 22 {
		t.Errorf("only %d of BuildKit's 22 checks say something", len(c.rules))
	}
	for _, rule := range slices.Sorted(maps.Keys(c.rules)) {
		t.Logf("%6d %s", c.rules[rule], rule)
	}
}
