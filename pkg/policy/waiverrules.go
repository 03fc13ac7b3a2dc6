package policy

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Rules are the rules about waivers. They have no Check: what they judge are the results of the other rules, after
// those were run, by Waive. Their own findings cannot be waived.
func Rules() []*audit.Rule { return []*audit.Rule{waiverMalformed, waiverExpired, waiverUnused} }

var waiverMalformed = &audit.Rule{
	ID:       "waiver-malformed",
	Title:    "a waiver cannot be read, or names a rule that there is not",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "Comments that begin with imgaudit: and are no waiver, and rules named in one that imgaudit does not have.",
		Why:    "Somebody meant to waive a finding, and it is not waived; or the waiver outlives a rule that has gone.",
		Unless: "The rule belongs to a newer imgaudit that others of the team use.",
	},
}

var waiverExpired = &audit.Rule{
	ID:       "waiver-expired",
	Title:    "a waiver's last day is over",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile | audit.Date},
	Doc: audit.Doc{
		Checks: "Waivers with until=, or another program's date, that lies before the day of the audit, in UTC. What they waived counts again.",
		Why:    "The date was a promise: the finding was to be gone by then.",
		Unless: "Never: renew the date, and say why, or remove the fault.",
	},
}

var waiverUnused = &audit.Rule{
	ID:       "waiver-unused",
	Title:    "a waiver waives nothing",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile | audit.Context},
	Doc: audit.Doc{
		Checks: "Rules named in a waiver that were run with all that they can look at and found nothing that it covers. A rule that had not everything (no image, say), a file of which something could not be read and stages that the target does not need are left out; so are codes of other programs, but for those whose every case a rule of imgaudit reports.",
		Why:    "Nobody knows any more what the comment is for, and it will hide the next fault of its kind at that place.",
		Unless: "The waiver is needed with other build arguments, or on another platform.",
	},
}

//go:embed testdata/*/example.txtar
var examples embed.FS

// Example is the case in the documentation of one of Rules, which its test runs. Nil if there is none.
func Example(id string) *txtar.Archive {
	b, err := examples.ReadFile("testdata/" + id + "/example.txtar")
	if err != nil {
		return nil
	}
	return txtar.Parse(b)
}

// malformed finds waivers of ours that cannot be read and names that are no rule's.
func malformed(s *audit.Subject, rules []*audit.Rule) []audit.Finding {
	var out []audit.Finding
	for _, w := range s.Dockerfile.Waivers() {
		if w.Fault != "" {
			out = append(out, about(waiverMalformed, place(s, w.Span), w.Fault, s.Dockerfile.Text(w.Span),
				"Write # imgaudit:ignore=RULE reason=\"TEXT\" until=YYYY-MM-DD above the instruction; reason and until may be left out"))
			continue
		}
		if w.Style != "imgaudit" {
			continue
		}
		for _, name := range w.Rules {
			if find(rules, name.Value) != nil {
				continue
			}
			message, remedy := fmt.Sprintf("there is no rule %s, so the waiver waives nothing", name.Value), "`imgaudit rules` lists the rules"
			if near := nearest(name.Value, rules); near != "" {
				remedy = "Did you mean " + near + "?"
			}
			if find(Rules(), name.Value) != nil {
				message, remedy = name.Value+" is about waivers, and cannot be waived", "Mend the waiver that it is about"
			}
			out = append(out, about(waiverMalformed, place(s, name.Span), message, s.Dockerfile.Text(w.Span), remedy))
		}
	}
	return out
}

// nearest is the rule at most three edits away that is closest, "" if there is none.
func nearest(name string, rules []*audit.Rule) string {
	best, least := "", 4
	for _, r := range rules {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(r.ID), nil); d < least {
			best, least = r.ID, d
		}
	}
	return best
}

func expired(waivers []*waiver, now time.Time) []audit.Finding {
	var out []audit.Finding
	for _, w := range waivers {
		if !w.expired(now) {
			continue
		}
		f := about(waiverExpired, w.Location, fmt.Sprintf("the waiver of %s ended on %s", w.Names, w.Until), reasonText(w),
			"Remove the fault that it waived, or give the waiver a new date")
		if !w.used {
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "it covers no finding of this audit"))
		}
		out = append(out, f)
	}
	return out
}

func unused(waivers []*waiver, s *audit.Subject, res *audit.Result) []audit.Finding {
	var out []audit.Finding
	for _, w := range waivers {
		if w.used || w.expired(s.Now) || !w.idle(res) {
			continue
		}
		out = append(out, about(waiverUnused, w.Location, fmt.Sprintf("the waiver of %s waives nothing", w.Names), reasonText(w),
			"Remove the comment, or the rule from it"))
	}
	return out
}

func reasonText(w *waiver) string {
	if w.Reason == "" {
		return fmt.Sprintf("%s waiver without a reason", w.Style)
	}
	return fmt.Sprintf("%s waiver, its reason: %s", w.Style, w.Reason)
}

// about makes a finding of a rule about waivers, at a comment.
func about(r *audit.Rule, at audit.Location, message, seen, remedy string) audit.Finding {
	return audit.Finding{
		Rule: r.ID, Severity: r.Severity, Certainty: audit.Proven, Message: message, Remedy: remedy,
		Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "%s", seen)},
		Location: &at, Blame: audit.Blame{Kind: audit.BlameInstruction},
	}
}
