package prove

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// The rules that only a condition of a proof can bring, not an image, each with the words by which it shows in a program's
// output. What a program writes is known from the run as it was built.
const (
	readOnlyRule   = "readonly-root-unwritable"
	unwritableRule = "path-unwritable"
	resolverRule   = "resolver-unconfigured"
)

var conditionWords = []struct{ rule, words string }{
	{readOnlyRule, "read-only file system"},
	{unwritableRule, "permission denied"},
	{resolverRule, "lookup "},
}

// conditionRules are those that know a line of a program's output.
func conditionRules(line string) (ids []string) {
	for _, c := range conditionWords {
		if strings.Contains(line, c.words) {
			ids = append(ids, c.rule)
		}
	}
	return ids
}

// conditionPrediction is what one of them foretells.
func conditionPrediction(rule string, certainty binary.Certainty, message string) []audit.Prediction {
	p := audit.Prediction{Rule: rule, Severity: audit.Warning, Certainty: certainty, Message: message}
	for _, c := range conditionWords {
		if c.rule == rule {
			p.Words = c.words
		}
	}
	return []audit.Prediction{p}
}

// foretold is what the condition, which changes the image so that its audit is r, brings to a program that wrote files as it was
// built.
func (c condition) foretold(img *layers.Image, changed *change, r *audit.Result, writes []string) []audit.Prediction {
	switch {
	case c.run.ReadOnly && len(writes) > 0:
		return conditionPrediction(readOnlyRule, binary.Likely, "as it was built the program writes "+writes[0]+", and the root file system is read-only")
	case c.run.ReadOnly:
		return underReadOnly(r)
	case c.run.NoResolver:
		if n := need(r, binary.TopicResolver); n != nil {
			return conditionPrediction(resolverRule, n.Certainty, n.Binary+" resolves host names, and without /etc/resolv.conf it asks 127.0.0.1")
		}
	case changed.User != "":
		if p := unwritable(writes, img, img.FS.Identity(changed.User)); p != "" {
			return conditionPrediction(unwritableRule, binary.Likely, "as it was built the program writes "+p+", which user "+changed.User+" may not")
		}
	}
	return nil
}

// underReadOnly is what a read-only root brings to a program of which nothing is known but its needs.
func underReadOnly(r *audit.Result) []audit.Prediction {
	if n := need(r, binary.TopicTempDir); n != nil {
		return conditionPrediction(readOnlyRule, n.Certainty, n.Binary+" creates temporary files, and the root file system is read-only")
	}
	return nil
}

// need is the first need of a topic that is more than possible, nil if there is none.
func need(r *audit.Result, topic binary.Topic) *audit.Need {
	for i := range r.Needs {
		if n := &r.Needs[i]; n.Topic == topic && n.Certainty != binary.Possible {
			return n
		}
	}
	return nil
}
