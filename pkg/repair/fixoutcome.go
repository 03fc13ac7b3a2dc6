package repair

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// correction puts the outcome together.
func (c *corrector) correction(s *audit.Subject) (*Correction, error) {
	out := &Correction{Applied: c.applied}
	built := map[string]int{} // findings that are still seen, since the image is as it was
	var all []*audit.Finding  // to be told by their place in the text as it was read
	for i := range out.Applied {
		a := &out.Applied[i]
		if a.ToProve {
			built[key(&a.Finding)]++
		}
		if !a.Consequence {
			all = append(all, &a.Finding)
		}
	}
	var left []audit.Finding
	for _, f := range c.now.all {
		if k := key(&f); built[k] > 0 {
			built[k]--
		} else {
			left = append(left, f)
		}
	}
	was := slices.Clone(left)
	for i := range was {
		all = append(all, &was[i])
	}
	for _, f := range asRead(c.was.all, all) {
		out.Gone = append(out.Gone, Gone{Finding: f})
	}
	for i := range left {
		switch {
		case !c.wanted(&left[i]):
		case c.served(&was[i], &left[i]):
			out.Gone = append(out.Gone, Gone{Finding: was[i], ToProve: true})
		default:
			out.Left = append(out.Left, c.left(was[i], &left[i]))
		}
	}
	slices.SortStableFunc(out.Gone, func(a, b Gone) int { return byPlace(&a.Finding, &b.Finding) })
	slices.SortStableFunc(out.Applied, func(a, b Applied) int { return byPlace(&a.Finding, &b.Finding) })
	slices.SortStableFunc(out.Left, func(a, b Left) int { return byPlace(&a.Finding, &b.Finding) })
	for _, name := range slices.Sorted(maps.Keys(c.now.files)) {
		src, err := c.was.read(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if after := c.now.files[name]; err != nil || !bytes.Equal(src, after) {
			out.Files = append(out.Files, File{Path: pathOf(s, name), Before: src, After: after, New: err != nil})
		}
	}
	return out, nil
}

// asRead replaces findings of later texts by those of the text as it was read: by the same one, else by one of the same
// rule, whose message has changed since. It gives those that no other takes the place of.
func asRead(before []audit.Finding, later []*audit.Finding) []audit.Finding {
	byKey, byRule := map[string][]int{}, map[string][]int{}
	for i := range before {
		k := key(&before[i])
		byKey[k] = append(byKey[k], i)
	}
	taken := make([]bool, len(before))
	var changed []*audit.Finding
	for _, f := range later {
		k := key(f)
		if same := byKey[k]; len(same) > 0 {
			*f, taken[same[0]], byKey[k] = before[same[0]], true, same[1:]
		} else {
			changed = append(changed, f)
		}
	}
	for i := range before {
		if !taken[i] {
			byRule[before[i].Rule] = append(byRule[before[i].Rule], i)
		}
	}
	for _, f := range changed {
		if same := byRule[f.Rule]; len(same) > 0 {
			byRule[f.Rule] = same[1:]
			*f, taken[same[0]] = before[same[0]], true
		}
	}
	var gone []audit.Finding
	for i := range before {
		if !taken[i] {
			gone = append(gone, before[i])
		}
	}
	return gone
}

// byPlace orders findings by line, those without one last, then rule.
func byPlace(a, b *audit.Finding) int {
	line := func(f *audit.Finding) int {
		if f.Location == nil {
			return 1 << 30
		}
		return f.Location.Line
	}
	return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
}

// served reports whether another fix did what the fix of a finding would have done: it was neither applied nor refused, and
// is not offered any more, though the image shows the finding still.
func (c *corrector) served(was, f *audit.Finding) bool {
	return c.now.joint && shown(f) && f.Fix == nil && c.why[key(f)] == "" && was.Fix != nil && len(was.Fix.Edits) > 0 &&
		(was.Fix.Safety == audit.Safe || c.opt.Unsafe)
}

// left says why a finding is left; was is the one of the text as it was read, with the fix that was offered then.
func (c *corrector) left(was audit.Finding, f *audit.Finding) Left {
	offered := f.Fix
	if offered == nil || len(offered.Edits) == 0 {
		offered = was.Fix
	}
	why := c.why[key(f)]
	switch {
	case (offered == nil || len(offered.Edits) == 0) && why != "":
		return Left{Finding: was, Because: "to be done by hand, since " + why}
	case offered == nil || len(offered.Edits) == 0:
		return Left{Finding: was, Because: "to be done by hand"}
	case offered.Safety != audit.Safe && !c.opt.Unsafe:
		return Left{Finding: was, Because: "it may change behaviour", Unsafe: true}
	case why != "":
		return Left{Finding: was, Because: why}
	case f.Fix == nil:
		return Left{Finding: was, Because: "another fix took its place"}
	}
	return Left{Finding: was, Because: "too many fixes for one run"}
}
