package audit

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// Rule is one judgement. Check is a pure function of the Subject: no files, no network, no clock, no environment.
type Rule struct {
	ID       string   // kebab-case, names the fault, never the remedy
	Title    string   // one line, no period
	Severity Severity // of a proven finding
	Sees     Sees
	Doc      Doc
	Check    func(*Pass)
	// Yields are the rules whose finding of the same place says the same, and more (Finding.SameAs).
	Yields []string
}

// Sees says which parts a rule must have to judge.
type Sees struct {
	All Part // every one of these
	Any Part // and, if not zero, at least one of these
}

// met reports whether the parts that a rule must have are there.
func (s Sees) met(has Part) bool { return s.All&^has == 0 && (s.Any == 0 || s.Any&has != 0) }

// missing says what is absent, "" if the rule can judge.
func (s Sees) missing(has Part) string {
	if absent := s.All &^ has; absent != 0 {
		return "no " + absent.join(" and no ")
	}
	if s.Any != 0 && s.Any&has == 0 {
		return "neither " + s.Any.join(" nor ")
	}
	return ""
}

// missesWith reports whether the rule could not judge even if there were an image and its programs.
func (s Sees) missesWith(has Part) bool {
	return s.missing(has|Image|ImageConfig|Executable|GoBinary) != ""
}

// Doc is a rule's documentation; the example comes from its test cases.
type Doc struct {
	Checks string // what it checks
	Why    string // why it hurts
	Unless string // when it is wrong to follow it
	// Messages are what a person sees at run time, "*" standing for any text; `imgaudit explain` finds the rule by them.
	Messages []string
}

// Pass is one run of one rule over one Subject.
type Pass struct {
	*Subject
	rule   *Rule
	result *Result
}

// Report adds a finding. Rule is filled in; an empty Severity is the rule's, an empty Certainty is Proven, and the
// severity is never worse than the certainty allows.
func (p *Pass) Report(f Finding) {
	f.Rule = p.rule.ID
	if f.Severity == "" {
		f.Severity = p.rule.Severity
	}
	if f.Certainty == "" {
		f.Certainty = Proven
	}
	f.Severity = capSeverity(f.Severity, f.Certainty)
	if f.Blame.Kind == "" {
		f.Blame = Blame{Kind: BlameUnknown}
	}
	p.result.Findings = append(p.result.Findings, f)
}

// Need is one need of one binary with the answer to whether the image meets it.
type Need struct {
	Subject   int          `json:"subject"`
	Topic     binary.Topic `json:"topic"`
	Binary    string       `json:"binary"`
	Names     []string     `json:"names,omitempty"`
	Certainty Certainty    `json:"certainty"`
	Evidence  []Evidence   `json:"evidence"`
	Met       *bool        `json:"met"`          // null: not judged
	By        string       `json:"by,omitempty"` // the path, or what else satisfies it
	Searched  []string     `json:"searched,omitempty"`
}

// Judge records whether a need of a program is met: by what, or where it was searched in vain.
func (p *Pass) Judge(prog *Program, n binary.Need, met bool, by string, searched []string) {
	p.result.Needs = append(p.result.Needs, newNeed(prog, n, &met, by, searched))
}

func newNeed(prog *Program, n binary.Need, met *bool, by string, searched []string) Need {
	c := n.Certainty
	if !prog.Entry {
		c = Possible
	}
	ev := FromBinary(n.Evidence, len(n.Evidence))
	if ev == nil {
		ev = []Evidence{}
	}
	return Need{Topic: n.Topic, Binary: prog.Path, Names: n.Names, Certainty: c, Evidence: ev, Met: met, By: by, Searched: searched}
}

// Needing calls f for every program that needs a topic, with the need as certain as this subject allows: a program
// that the image does not start may need it at most possibly. Toolchain programs are left out.
func (p *Pass) Needing(t binary.Topic, f func(*Program, binary.Need)) {
	for _, prog := range p.Programs {
		if prog.Toolchain {
			continue
		}
		if n, ok := prog.Need(t); ok {
			if !prog.Entry {
				n.Certainty = Possible
			}
			f(prog, n)
		}
	}
}

// Skip is a rule that could not judge.
type Skip struct {
	Subject int    `json:"subject"`
	Rule    string `json:"rule"`
	Because string `json:"because"`
}

// Result is what the rules said of one Subject.
type Result struct {
	Needs    []Need
	Findings []Finding
	Skipped  []Skip
}

// Run applies the rules to a subject. The same subject gives the same result: findings are sorted by line, then by
// rule; needs by binary and topic.
func Run(s *Subject, rules []*Rule) *Result {
	res, has, skipped := &Result{}, s.Has(), 0
	for _, r := range rules {
		if !r.Sees.met(has) {
			skipped++
		}
	}
	res.Skipped = make([]Skip, 0, skipped)
	for _, r := range rules {
		if absent := r.Sees.missing(has); absent != "" {
			if s.Refused != nil {
				absent = strings.Replace(absent, "no Dockerfile", "no Dockerfile that parses", 1)
			}
			if s.Unpredicted != "" && !r.Sees.missesWith(has) {
				absent = s.Unpredicted
			}
			res.Skipped = append(res.Skipped, Skip{Rule: r.ID, Because: absent})
			continue
		}
		r.Check(&Pass{Subject: s, rule: r, result: res})
	}
	res.yield(rules)
	res.addUnjudged(s)
	res.Add()
	return res
}

// Add adds findings that were made after the rules were run, each in its place.
func (res *Result) Add(findings ...Finding) {
	res.Findings = append(res.Findings, findings...)
	sort.SliceStable(res.Findings, func(i, j int) bool { return before(&res.Findings[i], &res.Findings[j]) })
}

// addUnjudged completes the needs by those that no rule could judge, in the order of programs and topics.
func (res *Result) addUnjudged(s *Subject) {
	judged := res.Needs
	res.Needs = nil
	for _, prog := range s.Programs {
		if prog.Toolchain {
			continue
		}
		for _, n := range prog.Needs {
			i := slices.IndexFunc(judged, func(j Need) bool { return j.Binary == prog.Path && j.Topic == n.Topic })
			if i < 0 {
				res.Needs = append(res.Needs, newNeed(prog, n, nil, "", nil))
				continue
			}
			res.Needs = append(res.Needs, judged[i])
		}
	}
}

// before orders findings: by file line (those without a line last), then rule, then column, then message.
func before(a, b *Finding) bool {
	lineA, columnA := place(a)
	lineB, columnB := place(b)
	return cmp.Or(cmp.Compare(lineA, lineB), cmp.Compare(a.Rule, b.Rule), cmp.Compare(columnA, columnB), cmp.Compare(a.Message, b.Message)) < 0
}

func place(f *Finding) (line, column int) {
	if f.Location == nil {
		return math.MaxInt, 0
	}
	return f.Location.Line, f.Location.Column
}
