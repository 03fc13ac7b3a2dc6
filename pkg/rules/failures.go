package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var failureHidden = &audit.Rule{
	ID:       "failure-hidden",
	Title:    "a go command may fail without failing the build",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go build, go test and other go commands in a RUN whose failure the shell forgets: something follows after ; or on the next line of a heredoc without set -e, the command is left of a pipe without pipefail, in a loop without set -e, or left of && in a statement that others follow, where set -e does not look. || and if are taken for intention.",
		Why:    "RUN fails only when its shell does, and that tells of the last command alone. The build then goes on with an old program or with none, and is green.",
		Unless: "The failure is meant to be ignored; write || true to say so.",
	},
	Check: checkFailures,
}

func checkFailures(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		s := in.Script()
		if s == nil {
			return
		}
		errexit, pipefail := shellOptions(stage)
		for _, c := range s.Commands {
			if c.Hidden == dockerfile.Shown || errexit && c.Hidden != dockerfile.HiddenPipe || pipefail && c.Hidden == dockerfile.HiddenPipe {
				continue
			}
			if len(c.Args) < 2 || c.Args[0].Value != "go" || !slices.Contains([]string{"build", "install", "test", "vet", "generate", "mod"}, c.Args[1].Value) {
				continue
			}
			reportFailure(p, in, s, c)
			return
		}
	})
}

// shellOptions reads what the stage's SHELL says: ["/bin/bash", "-eo", "pipefail", "-c"].
func shellOptions(stage *dockerfile.Stage) (errexit, pipefail bool) {
	for k, w := range stage.Shell.Words {
		if k > 0 && strings.HasPrefix(w, "-") {
			errexit = errexit || strings.Contains(w, "e")
		}
		pipefail = pipefail || w == "pipefail"
	}
	return errexit, pipefail
}

func reportFailure(p *audit.Pass, in *dockerfile.Instruction, s *dockerfile.Script, c dockerfile.ShellCommand) {
	what := "go " + c.Args[1].Value
	because, remedy := "what comes after it decides", "Begin the script with set -e, or join the commands with &&"
	switch c.Hidden {
	case dockerfile.HiddenPipe:
		because, remedy = "only the last command of a pipe counts", "Use SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"], or write to a file instead of a pipe"
	case dockerfile.HiddenLoop:
		because = "only the last round of the loop counts"
	}
	f := audit.Finding{
		Message:  fmt.Sprintf("a failure of %s does not fail the RUN: %s", what, because),
		Evidence: []audit.Evidence{p.At(in, "no set -e is in force at %s", what)},
		Remedy:   remedy,
	}
	if c.Hidden == dockerfile.HiddenPipe {
		f.Evidence = []audit.Evidence{p.At(in, "%s stands left of a pipe, without pipefail", what)}
	} else {
		f.Fix = errexitFix(in, s, c)
	}
	// What follows may need what go should have written, and fail then: the text does not tell.
	f.Certainty = audit.Likely
	p.Report(p.BlameSpan(in, in.At(c.Span)).Of(f))
}

// strictCommands are commands whose failure nobody ignores on purpose.
var strictCommands = []string{"go", "cd", "mkdir", "echo", "export", "set", "cp", "mv", "chmod", "chown", "apk", "apt-get", "ls", "strip", "upx", "git"}

// errexitFix puts set -e in front of a script of the stage's own shell. Only where all its commands are such that their
// failure is one: a grep that finds nothing may be meant to pass.
func errexitFix(in *dockerfile.Instruction, s *dockerfile.Script, c dockerfile.ShellCommand) *audit.Fix {
	if strings.HasPrefix(in.Run.Script, "#!") || slices.ContainsFunc(s.Commands, func(o dockerfile.ShellCommand) bool {
		return o.Args[0].Value == "set" || !o.Args[0].Literal || !slices.Contains(strictCommands, o.Args[0].Value)
	}) {
		return nil
	}
	if c.Form != dockerfile.FormEarly && c.Hidden == dockerfile.HiddenSequence || strings.Contains(in.Run.Script, "&&") {
		return nil // errexit does not look left of &&
	}
	if len(in.Heredocs) > 1 || len(in.Heredocs) == 1 && !strings.HasPrefix(strings.TrimSpace(in.Text), "<<") {
		return nil
	}
	text, at := "set -e; ", in.At(dockerfile.Span{})
	if len(in.Heredocs) == 1 {
		text = "set -e\n"
	}
	if at.IsZero() {
		return nil
	}
	return &audit.Fix{
		Title:  "Stop at the first failure",
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: dockerfile.Span{Start: at.Start, End: at.Start}, New: text}},
	}
}
