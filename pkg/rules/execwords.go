package rules

import (
	"fmt"
	"path"
	"slices"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var execFormShellSyntax = &audit.Rule{
	ID:       "exec-form-shell-syntax",
	Title:    "shell syntax stands in an exec form, where no shell reads it",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "Words of the exec form of ENTRYPOINT, CMD, HEALTHCHECK CMD and RUN that are shell operators (&&, ||, |, >, 2>&1) or variables ($NAME, ${NAME}). Words of a shell, an env or a find are left alone, and so are the words of CMD where the ENTRYPOINT is unknown or a shell.",
		Why:    "The exec form passes each word as it is. A program gets the argument \"2>&1\" or \"$PORT\", four letters and a dollar sign, and either refuses it or ignores it and all that follows.",
		Unless: "The program itself expands variables in its arguments.",
	},
	Check: checkExecWords,
}

var (
	shellOperators = []string{"&&", "||", "|", ">", ">>", "<", "2>", "2>&1", "1>&2", "&>", ">&2", "&"}
	shellVariable  = lazyregexp.New(`\$([A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*[^}]*\})`)
	redirection    = lazyregexp.New(`^[012]?>>?(&[012]|/[\w./-]+)$`)
	// wordReaders are programs to which such words mean something.
	wordReaders = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox", "find", "expr", "test", "[", "awk", "sed", "grep", "jq", "envsubst", "env", "xargs", "python", "python3", "perl", "node"}
)

func checkExecWords(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		if !in.JSON || len(in.Words) == 0 || in.Keyword == "SHELL" || in.Copy != nil || in.Keyword == "VOLUME" {
			return
		}
		first := in.Words[0].Value
		if in.Keyword == "CMD" {
			switch e := stage.Entrypoint; {
			case e.Exec && len(e.Words) > 0:
				first = e.Words[0]
			case e.By != nil:
				return // a shell-form ENTRYPOINT ignores CMD
			}
		}
		if slices.Contains(wordReaders, path.Base(first)) {
			return
		}
		for k, w := range in.Words {
			if k == 0 && in.Keyword != "CMD" && shellVariable.FindString(w.Value) == "" {
				continue
			}
			reportExecWord(p, in, w)
		}
	})
}

func reportExecWord(p *audit.Pass, in *dockerfile.Instruction, w dockerfile.Word) {
	f := audit.Finding{
		Evidence: []audit.Evidence{p.At(in, "the exec form hands %q to the program as it is", w.Value)},
		Remedy:   "Leave it out, or run the line with a shell that the image has: [\"/bin/sh\", \"-c\", \"exec ...\"]",
	}
	switch {
	case slices.Contains(shellOperators, w.Value), redirection.MatchString(w.Value):
		f.Message = fmt.Sprintf("%s passes the shell operator %q as an argument: no shell reads it", in.Keyword, w.Value)
		if w.Value == "&" || w.Value == "<" || w.Value == ">" {
			f.Certainty = audit.Likely
		}
	case shellVariable.MatchString(w.Value):
		f.Certainty = audit.Likely
		f.Message = fmt.Sprintf("%s passes %q as it is: no shell expands %s", in.Keyword, w.Value, shellVariable.FindString(w.Value))
		f.Remedy = "Let the program read the variable from its environment, or run the line with a shell that the image has"
	default:
		return
	}
	p.Report(p.BlameSpan(in, w.Span).Of(f))
}
