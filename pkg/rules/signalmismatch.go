package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var stopSignalMismatch = &audit.Rule{
	ID:       "stop-signal-mismatch",
	Title:    "STOPSIGNAL names a signal that cannot stop the program well",
	Severity: audit.Warning,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "STOPSIGNAL must be a signal by name or number (SIGTERM, TERM, 15, SIGRTMIN+3); of a Dockerfile alone, does-not-build says what no build takes. It must not be SIGKILL or SIGSTOP, which no program can handle. And if the Go program provably does not handle it, but does handle another signal that programs are stopped with (SIGTERM, SIGINT, SIGQUIT), that one is meant.",
		Why:    "The program is ended in the middle of its work, or never hears that it shall stop and is killed after the grace period, although it has a handler.",
		Unless: "The program is meant to be killed: then a grace period of 0 says so.",
		Messages: []string{
			"*invalid signal: *",
		},
	},
	Check: checkStopSignalMismatch,
}

func checkStopSignalMismatch(p *audit.Pass) {
	stop := stopSignal(p)
	if !stop.set {
		return
	}
	f := audit.Finding{
		Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "STOPSIGNAL is %q", stop.text)},
		Remedy:   "Remove STOPSIGNAL: SIGTERM is the default",
	}
	if p.Image != nil {
		f.Evidence[0].Level = audit.LevelImage
	}
	prog := p.Entry()
	if prog != nil && (prog.Go == nil || prog.Opaque != "") {
		prog = nil
	}
	other := 0
	if prog != nil {
		other = otherStop(prog)
	}
	switch {
	case refusedSignal(stop.text):
		if p.Image == nil {
			return // does-not-build says it
		}
		f.Message = fmt.Sprintf("STOPSIGNAL %s is no signal", stop.text)
		f.Words = "invalid signal: " + stop.text
	case stop.number == 0:
		f.Message = fmt.Sprintf("STOPSIGNAL %s is the number of no signal: builders take it, and nothing can send it", stop.text)
	case stop.number == sigkill:
		f.Message = "STOPSIGNAL SIGKILL ends the program at once: nothing can handle it"
		f.Words = "exit code 137"
	case stop.number == sigstop:
		f.Message = "STOPSIGNAL SIGSTOP does not stop PID 1, and nothing can handle it: the container is killed after the grace period"
		f.Words = "no message: the container is killed after the grace period, exit code 137"
	case prog != nil && mismatched(prog, stop):
		effect, words := unheard(p, prog, stop.number)
		f.Message = fmt.Sprintf("%s handles %s, but STOPSIGNAL is %s%s", prog.Path, binary.SignalName(other), stop.text, effect)
		f.Words, f.Path = words, prog.Path
		f.Evidence = append(f.Evidence, audit.FromBinary(prog.Signals.Evidence, 4)...)
	default:
		return
	}
	if other == 0 && stop.number == 0 { // no engine takes it
		f.Fix = stopSignalFix(p, stop, "SIGTERM")
	}
	if other != 0 {
		f.Remedy = "Set STOPSIGNAL " + binary.SignalName(other)
		f.Fix = stopSignalFix(p, stop, binary.SignalName(other))
	}
	p.Report(p.BlameSetting(stop.by, "STOPSIGNAL").Of(f))
}

// mismatched reports whether STOPSIGNAL is to blame for a signal that the program does not handle: it was set, and the
// program handles another. Where it was not set, or nothing is handled, the program is to blame.
func mismatched(prog *audit.Program, stop halt) bool {
	return stop.set && stop.catchable() && deaf(prog, stop.number) && otherStop(prog) != 0
}

// stopSignalFix writes a signal that the program handles where the Dockerfile has the other one as a plain word.
func stopSignalFix(p *audit.Pass, stop halt, name string) *audit.Fix {
	fits, _ := p.DockerfileFits()
	if stop.by == nil || p.Image != nil && !fits {
		return nil
	}
	text := p.Dockerfile.Text(stop.by.Span)
	at := strings.LastIndex(text, stop.text)
	if at < len("STOPSIGNAL ") || strings.ContainsRune(text, '\n') || strings.TrimSpace(text[at+len(stop.text):]) != "" {
		return nil
	}
	span := stop.by.Span
	span.Start.Offset, span.Start.Column = span.Start.Offset+at, span.Start.Column+at
	span.End = span.Start
	span.End.Offset, span.End.Column = span.End.Offset+len(stop.text), span.End.Column+len(stop.text)
	return &audit.Fix{Title: "Write STOPSIGNAL " + name, Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: span, New: name}}}
}
