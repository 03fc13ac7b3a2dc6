package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var shellForm = &audit.Rule{
	ID:       "shell-form",
	Title:    "a command in shell form, or one that is meant to be JSON and is not",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "The ENTRYPOINT or CMD that starts the container in shell form without exec, where no other rule has found it to fail. An error: ENTRYPOINT, CMD or HEALTHCHECK CMD that look like JSON and are none (['/app'], [\"/app\",], [/app]): they are shell form, silently. A warning: CMD in shell form below an ENTRYPOINT in exec form that is the program which go build wrote.",
		Why:    "The shell is PID 1 and the stop signal is its own, unless it replaces itself by the program. Of ['/app'] the shell makes the name of a program, \"[/app]\", that nobody has. And a CMD in shell form hands \"/bin/sh -c ..\" to the ENTRYPOINT as arguments.",
		Unless: "The line needs a shell: then begin its last command with exec.",
		Messages: []string{
			"/bin/sh: *: [*: not found",
			"/bin/sh: [*: not found",
		},
	},
	Check: checkShellForm,
}

func checkShellForm(p *audit.Pass) {
	final := p.Dockerfile.Final()
	found := false
	for _, c := range []dockerfile.Command{final.Entrypoint, final.Cmd, final.Healthcheck} {
		if c.By != nil && !c.Exec && !c.None && len(c.Words) == 1 && looksLikeJSON(c.Words[0]) {
			reportNoJSON(p, c)
			found = true
		}
	}
	switch start := startCommand(final); {
	case found, start.By == nil:
	case !start.Exec:
		reportShellForm(p, start)
	case final.Cmd.By != nil && !final.Cmd.Exec && final.Entrypoint.Exec && len(final.Cmd.Words) == 1:
		reportShellArguments(p, final)
	}
}

// startCommand is the ENTRYPOINT of a stage, or its CMD where there is none.
func startCommand(s *dockerfile.Stage) dockerfile.Command {
	if s.Entrypoint.By != nil && len(s.Entrypoint.Words) > 0 {
		return s.Entrypoint
	}
	return s.Cmd
}

var (
	// attached is a list whose bracket the shell reads as part of a word; [[ is bash's.
	attached = lazyregexp.New(`^\[[^\s\[]`)
	// listed is a whole list of quoted words; with blanks after the bracket the shell runs it as a test.
	listedWords = lazyregexp.New(`^\[\s*(?:["'“”‘’][^"'“”‘’$\\]*["'“”‘’]\s*,?\s*)+\]$`)
	listedWord  = lazyregexp.New(`["'“”‘’]([^"'“”‘’]*)["'“”‘’]`)
)

// looksLikeJSON reports whether a text in shell form was meant as a JSON list.
func looksLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	return attached.MatchString(text) || listedWords.MatchString(text)
}

func reportNoJSON(p *audit.Pass, c dockerfile.Command) {
	text := strings.TrimSpace(c.Words[0])
	in := c.By
	at := in.Words[len(in.Words)-1].Span
	f := audit.Finding{
		Severity: audit.Error,
		Message:  fmt.Sprintf("%s %s is no JSON, and therefore in shell form: the shell is handed the brackets", in.Keyword, text),
		Evidence: []audit.Evidence{p.At(in, "JSON wants double quotes around each word, commas between them and nothing after the last")},
		Words:    "not found",
		Remedy:   "Write a JSON list: [\"/app\", \"serve\"]",
	}
	if k := strings.IndexAny(text, " \t"); attached.MatchString(text) {
		first := text
		if k > 0 {
			first = text[:k]
		}
		f.Words = "/bin/sh: " + strings.NewReplacer(`"`, "", "'", "").Replace(first) + ": not found"
	} else {
		f.Words = "no message: the shell takes it for a test, and the container ends"
	}
	if listedWords.MatchString(text) && p.Dockerfile.Text(at) == text {
		var words []string
		for _, m := range listedWord.FindAllStringSubmatch(text, -1) {
			words = append(words, quoteJSON(m[1]))
		}
		f.Fix = &audit.Fix{Title: "Write the list as JSON", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: at, New: "[" + strings.Join(words, ", ") + "]"}}}
	}
	p.Report(p.BlameSpan(in, at).Of(f))
}

// reportShellForm says that a shell starts the container, unless that has been said, or the shell makes way: by exec, or,
// where the image is here and stop-signal-lost is content, by itself.
func reportShellForm(p *audit.Pass, c dockerfile.Command) {
	in := c.By
	s := in.Script()
	if s == nil || p.Start.Command != nil && p.Start.Shell.Kind != "" && p.Start.Shell.Kind != "other" || len(audit.Run(p.Subject, []*audit.Rule{shellMissing, stopSignalLost, entrypointMissing}).Findings) > 0 ||
		slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool { return c.Form == dockerfile.FormExec }) || strings.Contains(in.Text, "exec ") {
		return
	}
	f := audit.Finding{
		Message:  in.Keyword + " is in shell form: a shell starts the program, and may keep the stop signal to itself",
		Evidence: []audit.Evidence{p.At(in, "the shell form is run by %s -c", shellOf(in.Stage))},
		Remedy:   "Use the exec form, or begin the last command with exec if a shell must read the line",
		Fix:      execFormFix(p, in),
	}
	final := p.Dockerfile.Final()
	if in.Keyword == "ENTRYPOINT" && final.Cmd.By != nil && final.Cmd.By.Keyword == "CMD" && len(final.Cmd.Words) > 0 {
		f.Message = fmt.Sprintf("ENTRYPOINT is in shell form: a shell starts the program, and the CMD of line %d is ignored", final.Cmd.By.Span.Start.Line)
	}
	p.Report(p.BlameSpan(in, in.Words[len(in.Words)-1].Span).Of(f))
}

// shellOf is the program of a stage's SHELL.
func shellOf(s *dockerfile.Stage) string {
	if s != nil && len(s.Shell.Words) > 0 {
		return s.Shell.Words[0]
	}
	return "/bin/sh"
}

// reportShellArguments says that a CMD in shell form is what a Go program of this file gets as its arguments.
func reportShellArguments(p *audit.Pass, final *dockerfile.Stage) {
	program := startedFile(final)
	if program == "" || !slices.ContainsFunc(p.Dockerfile.Origin(final, program), func(in *dockerfile.Instruction) bool {
		return in.Run != nil && len(in.Run.Builds) > 0
	}) {
		return
	}
	in := final.Cmd.By
	p.Report(p.BlameSpan(in, in.Words[len(in.Words)-1].Span).Of(audit.Finding{
		Severity: audit.Warning,
		Message:  fmt.Sprintf("CMD is in shell form below an ENTRYPOINT in exec form: %s gets \"%s\", \"-c\" and the line as its arguments", program, shellOf(in.Stage)),
		Evidence: []audit.Evidence{p.At(final.Entrypoint.By, "CMD is appended to this ENTRYPOINT")},
		Remedy:   "Write CMD in exec form",
		Fix:      execFormFix(p, in),
	}))
}
