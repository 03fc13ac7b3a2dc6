package accuracy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// corrected is what became of a service.
type corrected struct {
	service
	rules  []string // of the findings that were corrected
	unsafe bool
	rounds int    // of correction and build until nothing was left
	wrong  string // why it is no success, "" for one
	none   string // why nothing was corrected, "" if something was
}

// rounds bounds how often a service is corrected and built again.
const rounds = 3

// snapshot is one built image of a service.
type snapshot struct {
	subject  *audit.Subject
	foretold []audit.Prediction
	failures []failure
	printed  string
	bytes    int64
}

// look builds a Dockerfile, audits and runs it.
func (l *mender) look(t *testing.T, s service, text, ignore []byte, round int) (*snapshot, string, error) {
	dir := t.TempDir()
	file, archive := filepath.Join(dir, "Dockerfile"), filepath.Join(dir, fmt.Sprintf("image-%d.tar", round))
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, "", err
	}
	began := time.Now()
	words, err := l.builds.Run(t.Context(), lab.Build{Dockerfile: text, Ignore: ignore, Context: l.context}, "type=oci,compression=uncompressed,dest="+archive)
	if err != nil || words != "" {
		return nil, words, err
	}
	l.times.since("building services", began)
	began = time.Now()
	subject, result, err := predict(t.Context(), archive, target.Options{Dockerfile: file, Context: l.context})
	if err != nil {
		return nil, "", err
	}
	l.times.since("auditing services", began)
	began = time.Now()
	c := &cell{image: image{variant: s.variant, need: s.need, base: s.base, user: s.user}}
	c.foretold = foretold(result, false)
	if c.seen, err = prove.Observe(t.Context(), l.runc, archive, asked, false); err != nil {
		return nil, "", err
	}
	l.times.since("running services", began)
	snap := &snapshot{subject: subject, foretold: c.foretold, failures: c.failures(), printed: c.seen.Printed}
	for _, layer := range subject.Image.Layers {
		snap.bytes += layer.Size
	}
	return snap, "", nil
}

// mender builds services and runs them.
type mender struct {
	builds  *lab.Lab
	runc    *prove.Engine
	context string // the programs with the modules that they need
	times   *timings
}

// correct corrects a service until nothing fails any more.
func (l *mender) correct(t *testing.T, s service) (*corrected, error) {
	c := &corrected{service: s}
	text, ignore := s.dockerfile(), []byte(nil)
	first, words, err := l.look(t, s, text, nil, 0)
	if err != nil {
		return nil, err
	}
	if words != "" {
		return nil, fmt.Errorf("it does not build as it is: %s", words)
	}
	now := first
	for c.rounds < rounds && len(now.failures) > 0 {
		done, unsafe, err := fixed(now.subject)
		if err != nil {
			return nil, err
		}
		if len(done.Applied) == 0 {
			break
		}
		c.rounds, c.unsafe = c.rounds+1, c.unsafe || unsafe
		for _, a := range done.Applied {
			c.rules = append(c.rules, a.Finding.Rule)
		}
		for _, f := range done.Files {
			if strings.HasSuffix(f.Path, "ignore") {
				ignore = f.After
			} else {
				text = f.After
			}
		}
		if now, words, err = l.look(t, s, text, ignore, c.rounds); err != nil {
			return nil, err
		}
		if words != "" {
			c.wrong = "it does not build any more: " + words
			return c, nil
		}
	}
	slices.Sort(c.rules)
	c.rules = slices.Compact(c.rules)
	switch {
	case len(first.failures) == 0:
		c.none = "nothing fails"
	case len(c.rules) == 0:
		c.none = "no fix is offered: " + oneLine(first.failures[0].words)
	case len(now.failures) > 0 && now.failures[0].words == first.failures[0].words && !slices.ContainsFunc(first.failures[0].rules, func(r string) bool { return slices.Contains(c.rules, r) }):
		c.none = "what comes first has no fix: " + oneLine(first.failures[0].words)
	default:
		c.wrong = changed(c, first, now)
		if c.wrong != "" {
			c.wrong += "\n" + string(text)
		}
	}
	return c, nil
}

// fixed corrects what a run can show by safe fixes, and only where there is none by others.
func fixed(s *audit.Subject) (*repair.Correction, bool, error) {
	for _, unsafe := range []bool{false, true} {
		done, err := repair.Correct(s, rules.All(), repair.Options{Rules: judged, Unsafe: unsafe})
		if err != nil || len(done.Applied) > 0 || unsafe {
			return done, unsafe, err
		}
	}
	panic("unreachable")
}

// adding are the rules whose fix gives the image what it needs: it may grow. Of the others, those that rewrite how the
// program is started may change the entrypoint.
var (
	adding    = []string{"ca-roots-missing", "zoneinfo-missing", "timezone-unresolved", "user-database-missing", "temp-dir-missing", "loader-missing", "library-missing", "libc-mismatch", "command-missing", "mime-types-missing", "cgo-stub-linked", "architecture-mismatch" /* another program */}
	restarted = []string{"shell-missing", "stop-signal-lost", "entrypoint-missing"}
)

// changed says what is not as it should be after a correction, "" if all is well.
func changed(c *corrected, before, after *snapshot) string {
	a, b := before.subject.Image.Config, after.subject.Image.Config
	some := func(rules []string) bool {
		return slices.ContainsFunc(c.rules, func(r string) bool { return slices.Contains(rules, r) })
	}
	switch {
	case len(after.failures) > 0:
		return "it still fails: " + oneLine(after.failures[0].words)
	case !strings.Contains(after.printed, c.answer()):
		return fmt.Sprintf("it answers %q, not %q", oneLine(after.printed), c.answer())
	case !slices.Equal(a.Entrypoint, b.Entrypoint) && !some(restarted):
		return fmt.Sprintf("the entrypoint was %q and is %q", a.Entrypoint, b.Entrypoint)
	case !slices.Equal(a.ExposedPorts, b.ExposedPorts):
		return fmt.Sprintf("the ports were %q and are %q", a.ExposedPorts, b.ExposedPorts)
	case a.User != b.User:
		return fmt.Sprintf("the user was %q and is %q", a.User, b.User)
	case after.bytes > before.bytes && !some(adding):
		return fmt.Sprintf("the image grew from %d to %d bytes", before.bytes, after.bytes)
	}
	for _, p := range after.foretold {
		if slices.Contains(c.rules, p.Rule) && p.Severity != audit.Note {
			return "it still has: " + p.Rule + ": " + p.Message
		}
	}
	return ""
}
