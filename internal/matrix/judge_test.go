package matrix

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// outcome is what became of one comparison.
type outcome int

// The outcomes.
const (
	agrees      outcome = iota
	falseProven         // says proven of what may not happen: the one thing that must never be
	overclaimed         // says too much otherwise
	weaker              // says less than the facts allow
	missed              // says nothing
	wrongNames          // names what is not meant
	outcomes
)

func (o outcome) String() string {
	return [...]string{"agrees", "FALSE PROVEN", "overclaimed", "weaker", "missed", "wrong names"}[o]
}

// comparison is one fact of one cell.
type comparison struct {
	topic   string
	outcome outcome
	got     string
}

// topics of needs, as binary.go lists them, without those that the build decides.
var topics = []binary.Topic{
	binary.TopicCARoots, binary.TopicZoneinfo, binary.TopicLocalTime, binary.TopicTempDir, binary.TopicUserDatabase, binary.TopicExec,
	binary.TopicResolver, binary.TopicPlugin, binary.TopicMIMETypes, binary.TopicFiles, binary.TopicEnvironment,
}

// judge compares what was read with the truth. The resolver is the one that the build chose.
func (t *truth) judge(b *binary.Binary, resolver string) []comparison {
	var all []comparison
	for _, topic := range topics {
		n, _ := b.Need(topic)
		c := t.need(topic)
		if topic == binary.TopicResolver {
			c.names = []string{resolver}
		}
		all = append(all, comparison{string(topic), c.judge(n.Certainty, n.Names), fmt.Sprintf("%s %q", n.Certainty, n.Names)})
	}
	s := b.Server
	return append(all,
		comparison{"signals", judgeSignals(t.signals, b.Signals), showSignals(b.Signals)},
		comparison{"listens", t.listens.judge(s.Certainty, nil), string(s.Certainty)},
		comparison{"ports", t.judgePorts(s.Ports), fmt.Sprint(s.Ports)},
		comparison{"shutdown", judgeFlag(t.shutdown, s.Shutdown), fmt.Sprint(s.Shutdown)},
		comparison{"profiling", t.profiling.judge(s.Profiling, nil), string(s.Profiling)},
		comparison{"features", t.judgeFeatures(b), fmt.Sprint(b.Features)},
	)
}

var order = []binary.Certainty{binary.Proven, binary.Likely, binary.Possible, ""}

func rank(c binary.Certainty) int { return slices.Index(order, c) }

// judge compares one certainty with a claim.
func (c claim) judge(got binary.Certainty, names []string) outcome {
	if c.word == never || c.word == absent {
		switch {
		case got == binary.Proven:
			return falseProven
		case got == binary.Likely && !c.weak, got == binary.Possible && c.word == absent:
			return overclaimed
		}
		return agrees
	}
	switch {
	case c.word == input && got == binary.Proven:
		return falseProven
	case got == "":
		return missed
	case !subset(names, c.names):
		return wrongNames
	case rank(got) > rank(c.least), got == binary.Proven && len(names) < len(c.names):
		return weaker
	}
	return agrees
}

func subset[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// judgeSignals compares numbers: a number too many is a false claim, one too few is one unless it is said to be
// unknown.
func judgeSignals(want, got binary.Signals) outcome {
	switch {
	case !subset(got.Handled, want.Handled) && !want.All, got.All && !want.All, !subset(got.Ignored, want.Ignored):
		return falseProven
	case want.Notify && !got.Notify, want.Unknown && !got.Unknown:
		return missed
	case got.Notify && !want.Notify:
		return overclaimed
	case want.All && got.All || slices.Equal(want.Handled, got.Handled) && want.All == got.All && got.Unknown == want.Unknown && slices.Equal(want.Ignored, got.Ignored):
		return agrees
	case got.Unknown:
		return weaker
	}
	return missed
}

func showSignals(s binary.Signals) string {
	return fmt.Sprintf("notify %v handled %v all %v unknown %v ignored %v", s.Notify, s.Handled, s.All, s.Unknown, s.Ignored)
}

func (t *truth) judgePorts(got []int) outcome {
	switch {
	case !subset(got, t.ports):
		return wrongNames
	case !t.maybe && len(got) < len(t.ports):
		return missed
	}
	return agrees
}

func judgeFlag(want, got bool) outcome {
	switch {
	case want && !got:
		return missed
	case got && !want:
		return overclaimed
	}
	return agrees
}

func (t *truth) judgeFeatures(b *binary.Binary) outcome {
	for _, f := range b.Features {
		if !slices.Contains(t.features, f.Name) {
			return overclaimed
		}
	}
	if len(b.Features) < len(t.features) {
		return missed
	}
	return agrees
}
