package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var argOutOfScope = &audit.Rule{
	ID:       "arg-out-of-scope",
	Title:    "a build argument is used where it is empty",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "A variable in RUN, COPY, ADD, ENV, LABEL, WORKDIR or USER that an ARG defines only before the first FROM, only in another stage, or only further below, and that nothing defines where it is used. An error where a version is stamped with -X or a path is made of it, else a warning. Over a base image other than golang, which may define it, it is likely at most.",
		Why:    "An ARG before FROM is for the FROM lines alone, and an ARG of a stage ends with it. The variable is empty then, without a word in the build: the version is \"\", and COPY --from=build $OUT /app copies the whole file system of the stage.",
		Unless: "The base image defines the variable.",
	},
	Check: checkArgScope,
}

var (
	variable   = lazyregexp.New(`(^|[^\\])\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)
	proxyNames = lazyregexp.New(`(?i)^(https?|ftp|no|all)_proxy$`)
)

func checkArgScope(p *audit.Pass) {
	type use struct {
		stage *dockerfile.Stage
		name  string
	}
	seen := map[use]bool{}
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		for _, u := range variablesOf(p, in) {
			if seen[use{stage, u.name}] || declared(stage, in, u.name) || fromBase(stage, u.name) {
				continue
			}
			if where := declaredElsewhere(p, stage, in, u.name); where != nil {
				seen[use{stage, u.name}] = true
				reportScope(p, stage, in, u, where)
			}
		}
	})
}

// used is a variable where it is used.
type used struct {
	name string
	span dockerfile.Span
}

// variablesOf lists the variables that an instruction expands and has no default for.
func variablesOf(p *audit.Pass, in *dockerfile.Instruction) []used {
	var out []used
	switch in.Keyword {
	case "RUN":
		s := in.Script()
		if s == nil || s.SetsAny {
			return nil
		}
		for _, v := range s.Params {
			if !v.Guarded && !slices.Contains(s.Sets, v.Name) {
				out = append(out, used{v.Name, in.At(v.Span)})
			}
		}
	case "COPY", "ADD", "ENV", "LABEL", "WORKDIR", "USER":
		for _, w := range in.Words {
			text := p.Dockerfile.Text(w.Span)
			if !strings.Contains(text, "$") || strings.ContainsAny(text, "'\n") {
				continue
			}
			for _, m := range variable.FindAllStringSubmatchIndex(text, -1) {
				k := 4
				if m[k] < 0 {
					k = 6
				}
				out = append(out, used{text[m[k]:m[k+1]], part(w.Span, m[3], m[1])})
			}
		}
	}
	return out
}

// fromBase reports whether the builder or a known base image defines a name by itself.
func fromBase(stage *dockerfile.Stage, name string) bool {
	return proxyNames.MatchString(name) || slices.Contains([]string{"PATH", "HOME", "PWD", "HOSTNAME", "SHLVL", "USER", "TERM", "LANG"}, name) ||
		strings.HasPrefix(name, "GO") && !stage.Root().Scratch()
}

// declaredElsewhere is an ARG of that name that is not in scope: before the first FROM, in another stage, or below.
func declaredElsewhere(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, name string) *dockerfile.Instruction {
	for _, arg := range p.Dockerfile.MetaArgs {
		if argWord(arg, name) != nil {
			return arg
		}
	}
	for _, s := range p.Dockerfile.Stages {
		for _, arg := range s.Instructions {
			if argWord(arg, name) != nil {
				return arg
			}
		}
	}
	return nil
}

// argWord is the word of an ARG that declares a name, nil if it does not.
func argWord(in *dockerfile.Instruction, name string) *dockerfile.Word {
	if in.Keyword != "ARG" {
		return nil
	}
	for k, w := range in.Words {
		if key, _, _ := strings.Cut(w.Value, "="); key == name {
			return &in.Words[k]
		}
	}
	return nil
}

func reportScope(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, u used, where *dockerfile.Instruction) {
	f := audit.Finding{Severity: audit.Warning, Certainty: audit.Likely}
	if base := stage.Root(); base.Scratch() || isGolang(base.Base) {
		f.Certainty = audit.Proven
	}
	place := "before the first FROM only"
	switch {
	case where.Stage == stage:
		place = "only further below"
	case where.Stage != nil:
		place = "only in " + stageName(where.Stage)
	}
	effect := "it is empty here"
	switch {
	case stamped(in, u.name):
		effect, f.Severity = "the program is stamped with nothing", audit.Error
	case in.Copy != nil || in.Keyword == "WORKDIR":
		effect, f.Severity = "the path is made without it", audit.Error
	}
	f.Message = fmt.Sprintf("%s uses %s, which is declared %s: %s", in.Keyword, u.name, place, effect)
	f.Evidence = []audit.Evidence{p.At(where, "ARG %s is declared here and not in %s", u.name, stageName(stage))}
	f.Remedy = fmt.Sprintf("Write ARG %s in %s, above the line", u.name, stageName(stage))
	if where.Stage != stage {
		f.Fix = declareFix(p, stage, in, u.name, where)
	}
	p.Report(p.BlameSpan(in, u.span).Of(f))
}

// stamped reports whether a go build of the instruction writes the variable into the program with -X.
func stamped(in *dockerfile.Instruction, name string) bool {
	if in.Run == nil {
		return false
	}
	return slices.ContainsFunc(in.Run.Builds, func(b dockerfile.GoBuild) bool {
		flags, _ := b.Flag("ldflags")
		return strings.Contains(flags.Value, "-X") && (strings.Contains(flags.Value, "$"+name) || strings.Contains(flags.Value, "${"+name+"}"))
	})
}

// declareFix declares the argument above the line: an ARG before FROM gives its default to it; the default of another
// stage's is written again. All names of the line that miss a declaration go into one edit, that of the first.
func declareFix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, name string, where *dockerfile.Instruction) *audit.Fix {
	var words []string
	for _, u := range variablesOf(p, in) {
		from := declaredElsewhere(p, stage, in, u.name)
		if from == nil || from.Stage == stage || declared(stage, in, u.name) || fromBase(stage, u.name) {
			continue
		}
		word := u.name
		if from.Stage != nil {
			word = p.Dockerfile.Text(argWord(from, u.name).Span)
		}
		if strings.Contains(word, "\n") || strings.Contains(word, "$") {
			return nil
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if len(words) == 0 || !strings.HasPrefix(words[0]+"=", name+"=") {
		return nil // the finding of the line's first name carries the edit
	}
	return &audit.Fix{Title: "Declare the argument in the stage", Safety: audit.Safe, Edits: []dockerfile.Edit{lineBefore(p, in, "ARG "+strings.Join(words, " "))}}
}
