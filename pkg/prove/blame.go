package prove

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// BuildKit ends with "Dockerfile:14" before the lines; buildah, podman and docker's older builders repeat the instruction.
var (
	lineNamed = regexp.MustCompile(`^Dockerfile:(\d+)$`)
	stepNamed = regexp.MustCompile(`building at STEP "(.*)": |^ > \[[^]]*\] (.*):$`)
	stepBegun = regexp.MustCompile(`^Step \d+/\d+ : (.*)`) // docker's classic builder: the last is the one that failed
)

// line is the Dockerfile's line that the engine blames, 0 if it names none, or several could be meant.
func (b Build) line(failed *BuildError) int {
	step, begun := "", ""
	for _, said := range failed.Output {
		if m := lineNamed.FindStringSubmatch(strings.TrimSpace(said)); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
		if m := stepNamed.FindStringSubmatch(said); m != nil && step == "" {
			step = m[1] + m[2]
		}
		if m := stepBegun.FindStringSubmatch(said); m != nil {
			begun = m[1]
		}
	}
	switch {
	case step != "":
		return b.lineOf(step)
	case begun != "":
		return b.lineOf(begun)
	}
	return 0
}

// lineOf finds the only instruction of some words.
func (b Build) lineOf(step string) int {
	file, err := dockerfile.Parse("Dockerfile", b.Dockerfile, dockerfile.Options{Target: b.Target, BuildArgs: b.BuildArgs})
	if err != nil {
		return 0
	}
	found := 0
	for _, stage := range file.Stages {
		for _, in := range stage.Instructions {
			if !slices.Contains(spellings(in), squeeze(step)) {
				continue
			}
			if found != 0 {
				return 0
			}
			found = in.Span.Start.Line
		}
	}
	return found
}

// squeeze leaves the white space out, which engines join in their own ways.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }

// spellings are the ways in which buildah repeats an instruction: as it stands, or the exec form as words.
func spellings(in *dockerfile.Instruction) []string {
	var flags, words strings.Builder
	for _, f := range in.Flags {
		flags.WriteString("--" + f.Name + "=" + f.Value)
	}
	for _, w := range in.Words {
		words.WriteString(w.Value)
	}
	return []string{squeeze(in.Keyword + flags.String() + in.Text), squeeze(in.Keyword + flags.String() + words.String())}
}
