package repair

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// budgetFor is how many audits one correction of a text may take: one made to be fixed without end is left half-done, and
// that is said. A large text takes longer to audit.
func budgetFor(src []byte) int {
	const most, bytes = 400, 32 << 20
	return min(most, bytes/(len(src)+1))
}

// maxConsequences bounds how often the fixes of a step may call for further ones.
const maxConsequences = 4

// corrector is one Correct at work.
type corrector struct {
	rules    []*audit.Rule
	opt      Options
	was, now *version
	applied  []Applied
	refused  map[string]bool     // fixes that cannot be applied to the text as it is now, by their identity
	why      map[string]string   // the last fix that was refused, by the key of its finding
	whole    map[*audit.Fix]bool // those that are a new text of the file, not edits of it
	stopped  error               // of Options.Stop
	budget   int                 // audits that may still be made
}

// candidate is a fix with the findings it is for: rules may offer the same edits for several.
type candidate struct {
	findings []audit.Finding
	fix      *audit.Fix
	id       string // tells it from all others of the same text
}

// run applies what can be applied until nothing is left. Where the image was paired with the text once, it is paired
// anew at the end, as a second correction would do.
func (c *corrector) run() {
	for again := true; again; {
		for c.round() {
		}
		again = c.afresh()
	}
}

// afresh pairs image and text anew and reports whether that was not done before.
func (c *corrector) afresh() bool {
	if c.now == c.was || !c.now.joint || c.now.fresh || c.budget <= 0 {
		return false
	}
	s := c.now.subject
	c.now = c.judge(s.Rewritten(s.Dockerfile, s.Context, nil), c.now.files)
	c.now.fresh = true
	return true
}

// round applies as many fixes at once as go together, and reports whether any did or was found not to.
func (c *corrector) round() bool {
	batch := c.batch(c.candidates(c.now.all))
	for len(batch) > 0 && c.budget > 0 {
		next, applied, because := c.try(batch)
		if because == "" {
			c.now, c.applied, c.refused = next, append(c.applied, applied...), nil
			return true
		}
		if len(batch) == 1 {
			c.refuse(batch[0], because)
			return true
		}
		batch = batch[:(len(batch)+1)/2] // the others come in a later round, on the new text
	}
	return false
}

// refuse keeps a fix from being tried again on the same text, and why.
func (c *corrector) refuse(x *candidate, because string) {
	if c.refused == nil {
		c.refused = map[string]bool{}
	}
	c.refused[x.id] = true
	for i := range x.findings {
		c.why[key(&x.findings[i])] = because
	}
}

// candidates are the fixes that may be applied, by their place in the file; the Dockerfile's first, a new text of it last.
func (c *corrector) candidates(findings []audit.Finding) []*candidate {
	var out []*candidate
	by := map[string]*candidate{}
	for _, f := range findings {
		if !c.wanted(&f) || f.Fix == nil || len(f.Fix.Edits) == 0 || f.Fix.Safety != audit.Safe && !c.opt.Unsafe {
			continue
		}
		same := fmt.Sprint(f.Fix.Edits)
		if have := by[same]; have != nil {
			have.findings = append(have.findings, f)
			continue
		}
		by[same] = &candidate{findings: []audit.Finding{f}, fix: f.Fix, id: key(&f) + "\x00" + same}
		out = append(out, by[same])
	}
	slices.SortStableFunc(out, func(a, b *candidate) int {
		if c.whole[a.fix] != c.whole[b.fix] {
			return map[bool]int{true: 1, false: -1}[c.whole[a.fix]]
		}
		x, y := a.fix.Edits[0], b.fix.Edits[0]
		return cmp.Or(strings.Compare(x.Path, y.Path), cmp.Compare(x.Span.Start.Offset, y.Span.Start.Offset), strings.Compare(a.id, b.id))
	})
	return out
}

// wanted reports whether a finding is to be corrected.
func (c *corrector) wanted(f *audit.Finding) bool {
	return len(c.opt.Rules) == 0 || slices.Contains(c.opt.Rules, f.Rule)
}

// batch takes those candidates that can be applied at once: of several that clash, the first.
func (c *corrector) batch(all []*candidate) []*candidate {
	const most = 4000 // their edits are compared with each other
	var out []*candidate
	for _, x := range all {
		if len(out) == most {
			break
		}
		if !c.refused[x.id] && !slices.ContainsFunc(out, x.clashes) {
			out = append(out, x)
		}
	}
	return out
}

func (c *candidate) clashes(o *candidate) bool {
	for _, a := range c.fix.Edits {
		if slices.ContainsFunc(o.fix.Edits, func(b dockerfile.Edit) bool { return clash(a, b) }) {
			return true
		}
	}
	return false
}

// try applies a batch and what it calls for, and judges the outcome. It gives the reason why that cannot be.
func (c *corrector) try(batch []*candidate) (next *version, applied []Applied, because string) {
	t := &trial{from: c.now, keys: map[string]bool{}}
	next = c.now
	for n := 0; ; n++ {
		for _, x := range batch {
			t.slight = t.slight || n == 0 && !slices.ContainsFunc(x.findings, func(f audit.Finding) bool { return f.Severity.AtLeast(audit.Warning) })
			for _, f := range x.findings {
				applied = append(applied, Applied{Finding: f, Fix: *f.Fix, Consequence: n > 0})
				t.fixed = append(t.fixed, f)
				t.keys[key(&f)] = true
			}
		}
		if next, because = c.edit(t, next, batch); because != "" {
			return nil, nil, because
		}
		news := t.news(next)
		if len(news) == 0 {
			break
		}
		against := t.against(news)
		if batch = c.consequences(t, news); len(batch) == 0 && len(against) > 0 {
			batch = c.consequences(t, against) // what is tolerated has no fix
		}
		if len(batch) == 0 && len(against) == 0 {
			break
		}
		if len(batch) == 0 || n == maxConsequences || c.budget <= 0 {
			return nil, nil, t.objection(&append(against, news...)[0])
		}
	}
	if w := louder(c.now.subject.Dockerfile, next.subject.Dockerfile); w != "" {
		return nil, nil, "BuildKit's own check " + w + " would complain"
	}
	if again := c.again(next, applied); again != nil {
		return nil, nil, "it would be offered again"
	}
	for i := range applied {
		f := &applied[i].Finding
		applied[i].ToProve = c.now.joint && (shown(f) || next.seen[key(f)] > 0)
	}
	return next, applied, ""
}

// consequences are the fixes of new findings, nil unless each has one and none is a second try.
func (c *corrector) consequences(t *trial, news []audit.Finding) []*candidate {
	all := c.candidates(news)
	n := 0
	for _, x := range all {
		if slices.ContainsFunc(x.findings, func(f audit.Finding) bool { return t.keys[key(&f)] }) {
			return nil
		}
		n += len(x.findings)
	}
	if n < len(news) {
		return nil
	}
	return c.batch(all)
}

// edit makes the next version out of one. It gives the reason why that cannot be.
func (c *corrector) edit(t *trial, v *version, batch []*candidate) (*version, string) {
	var edits []dockerfile.Edit
	whole := false
	for _, x := range batch {
		edits = append(edits, x.fix.Edits...)
		whole = whole || c.whole[x.fix]
	}
	files, err := v.apply(edits)
	if err != nil {
		return nil, err.Error()
	}
	f, ctx, err := reread(v.subject, files)
	if err != nil {
		return nil, "BuildKit would refuse the corrected text: " + err.Error()
	}
	for name, text := range files {
		was, _ := v.read(name) // one that was not there had no comments
		if lost := lostComment(was, text); lost != "" {
			return nil, fmt.Sprintf("it would drop the comment %q", lost)
		}
	}
	s := newStep(edits)
	t.steps = append(t.steps, s)
	if whole {
		return c.judge(v.subject.Rewritten(f, ctx, nil), files), ""
	}
	pairs := s.pair(v.subject.Dockerfile, f)
	if lost := s.kept(v.subject.Dockerfile, f, pairs); lost != "" {
		return nil, lost
	}
	return c.judge(v.subject.Rewritten(f, ctx, pairs), files), ""
}

// again is a finding whose fix was applied and that gets one once more, nil if there is none.
func (c *corrector) again(next *version, applied []Applied) *audit.Finding {
	offered := func(v *version) map[string]int {
		n := map[string]int{}
		for _, x := range c.candidates(v.all) {
			for i := range x.findings {
				n[key(&x.findings[i])]++
			}
		}
		return n
	}
	before, after := offered(c.now), offered(next)
	for i := range applied {
		if !applied[i].Consequence {
			before[key(&applied[i].Finding)]--
		}
	}
	for i := range applied {
		if k := key(&applied[i].Finding); after[k] > max(before[k], 0) {
			return &applied[i].Finding
		}
	}
	return nil
}
