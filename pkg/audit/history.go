package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// alignment pairs the steps of an image's history with the instructions of the Dockerfile that made it.
type alignment struct {
	steps []*dockerfile.Instruction // per history step: its instruction, nil for a step of the base image
	own   int                       // index of the first step that is the Dockerfile's own; all before are the base's
	fault string                    // why history and Dockerfile do not fit, "" if they do
}

// align walks history and instructions backwards side by side. Every instruction that writes files must be found, in
// order and with its own words; what is left of the history in front belongs to the base image. Anything that does
// not fit makes the whole alignment worthless: a Dockerfile that is not the image's own blames nobody.
//
// Source: BuildKit writes "COPY /src /dst # buildkit", buildah (like Docker's first builder)
// "/bin/sh -c #(nop) COPY file:... in /dst"; both write one step per instruction, ARG included.
func align(history []layers.Step, chain []*dockerfile.Instruction) alignment {
	a := alignment{steps: make([]*dockerfile.Instruction, len(history))}
	j := len(history) - 1
	for i := len(chain) - 1; i >= 0; {
		in := chain[i]
		switch {
		case j >= 0 && sameStep(history[j].CreatedBy, in):
			a.steps[j] = in
			i, j = i-1, j-1
		case optional(in.Keyword):
			i--
		case j >= 0 && optional(stepKeyword(history[j].CreatedBy)):
			j--
		case j < 0:
			a.fault = fmt.Sprintf("the image's history has no step for line %d, %s", in.Span.Start.Line, in.Keyword)
			return a
		default:
			a.fault = fmt.Sprintf("history step %d (%s) is not line %d of the Dockerfile, %s", j+1, shorten(history[j].CreatedBy), in.Span.Start.Line, in.Keyword)
			return a
		}
	}
	a.own = j + 1
	return a
}

// builtByKo reports whether ko put the last layer of an image there. Source: an image that ko 0.19 built; its steps say
// "ko build ko://PACKAGE".
func builtByKo(history []layers.Step) bool {
	return len(history) > 0 && strings.HasPrefix(history[len(history)-1].CreatedBy, "ko build ko://")
}

// optional are keywords that some builders leave out of the history or add to it.
func optional(keyword string) bool {
	return slices.Contains([]string{"ARG", "ONBUILD", "MAINTAINER", "LABEL", "HEALTHCHECK"}, keyword)
}

// writesFiles are the keywords that can make a layer.
func writesFiles(keyword string) bool {
	return keyword == "RUN" || keyword == "COPY" || keyword == "ADD" || keyword == "WORKDIR"
}

// parseStep splits created_by into the instruction's keyword and its text.
func parseStep(createdBy string) (keyword, text string) {
	s := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(createdBy), "# buildkit"))
	_, after, nop := strings.Cut(s, "#(nop) ")
	if nop {
		s = strings.TrimSpace(after)
	}
	word, rest, _ := strings.Cut(s, " ")
	if nop { // buildah keeps the case of the Dockerfile
		word = strings.ToUpper(word)
	}
	if slices.Contains(keywords, word) {
		return word, strings.TrimSpace(rest)
	}
	return "RUN", s
}

var keywords = []string{"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER",
	"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}

func stepKeyword(createdBy string) string {
	k, _ := parseStep(createdBy)
	return k
}

// sameStep reports whether a history step was made by an instruction: the same keyword and, for what writes files,
// the same words as far as both sides know them.
func sameStep(createdBy string, in *dockerfile.Instruction) bool {
	keyword, text := parseStep(createdBy)
	if keyword != in.Keyword {
		return false
	}
	switch keyword {
	case "COPY", "ADD":
		return sameCopy(text, in)
	case "RUN":
		return sameRun(text, in)
	case "ENV":
		return len(in.Words) == 0 || strings.HasPrefix(text, envKey(in.Words[0].Value))
	}
	return true
}

func envKey(word string) string {
	key, _, _ := strings.Cut(word, "=")
	return key
}

// sameCopy compares destinations, which both builders write last, expanded or as written.
func sameCopy(text string, in *dockerfile.Instruction) bool {
	if in.Copy == nil || len(in.Words) == 0 || len(in.Heredocs) > 0 {
		return true
	}
	if _, after, ok := strings.Cut(text, " in "); ok {
		text = after
	}
	written := in.Words[len(in.Words)-1].Value
	dest := strings.TrimSpace(text)
	for _, want := range []string{written, in.Copy.Dest} {
		if want == "" {
			continue
		}
		if dest == want || strings.HasSuffix(dest, " "+want) || path.Clean("/"+lastField(dest)) == path.Clean("/"+want) {
			return true
		}
	}
	return !in.Copy.Known
}

func lastField(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	return f[len(f)-1]
}

// sameRun looks for the command's text, white space aside, in the step.
func sameRun(text string, in *dockerfile.Instruction) bool {
	if len(in.Heredocs) > 0 || in.JSON {
		return true
	}
	const enough = 200 // bytes that tell two commands apart
	return strings.Contains(squeeze(text), squeeze(in.Text[:min(enough, len(in.Text))]))
}

// squeeze drops white space and backslashes, which builders write differently.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\\' {
			return -1
		}
		return r
	}, s)
}

// shorten quotes a text for a message.
func shorten(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// layered reports whether the builder made a layer of each step of a step's stage: then one without a layer wrote nothing.
// Docker's first builder does so, and leaves out the layer of a RUN that changes no file.
func (a alignment) layered(history []layers.Step, step int) bool {
	made := 0
	for i := a.own; i < len(history); i++ {
		if in := a.steps[i]; in != nil && a.steps[step] != nil && in.Stage == a.steps[step].Stage && !history[i].Empty {
			made++
		}
	}
	return made > 1
}

// writers returns the instructions that may have written files of the layer made by step: one in an ordinary
// image, several where a builder put all of a stage into one layer (buildah without --layers).
func (a alignment) writers(history []layers.Step, step int) []*dockerfile.Instruction {
	var group []*dockerfile.Instruction
	for i := step; i >= a.own; i-- {
		if i < step && (!history[i].Empty || a.layered(history, step)) {
			break
		}
		if in := a.steps[i]; in != nil && writesFiles(in.Keyword) && (i == step || in.Keyword != "WORKDIR") {
			group = append(group, in)
		}
	}
	slices.Reverse(group)
	return group
}
