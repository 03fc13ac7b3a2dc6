package rules

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var stopSignalUnhandled = &audit.Rule{
	ID:       "stop-signal-unhandled",
	Title:    "a server without a handler for the stop signal",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "A program that listens and does not handle the signal that stops the container: os/signal.Notify was not linked, or none of the lists that it is given holds the signal. A list that is known at run time only passes for one that may. A STOPSIGNAL that is itself at fault is left to stop-signal-mismatch.",
		Why:    "The Go runtime ends such a program at once: as PID 1 with exit code 2, otherwise by the signal. Requests in flight are lost on every deployment. A STOPSIGNAL such as SIGUSR1 or SIGWINCH is ignored: then the program is killed after the grace period.",
		Unless: "The server keeps no state and its clients retry everything.",
		Messages: []string{
			"*exited with code 2*",
		},
	},
	Check: checkStopSignalUnhandled,
}

func checkStopSignalUnhandled(p *audit.Pass) {
	stop := stopSignal(p)
	for _, prog := range p.Programs {
		if !prog.Entry || prog.Go == nil || prog.Opaque != "" || !prog.Server.Listens || !stop.catchable() || !deaf(prog, stop.number) || mismatched(prog, stop) {
			continue
		}
		p.Report(p.BlameBuild(prog).Of(unhandledFinding(p, prog, stop)))
	}
}

func unhandledFinding(p *audit.Pass, prog *audit.Program, stop halt) audit.Finding {
	_, words := unheard(p, prog, stop.number)
	f := audit.Finding{
		Certainty: prog.Server.Certainty,
		Evidence:  audit.FromBinary(prog.Server.Evidence, 2),
		Path:      prog.Path,
		Words:     words,
		Remedy:    "Handle the signal with signal.NotifyContext and wait for http.Server.Shutdown to return",
	}
	handles := "handles no signal"
	if len(prog.Signals.Handled) > 0 {
		handles = fmt.Sprintf("handles %s, not %s", signalsText(prog.Signals.Handled), stop.text)
		f.Evidence = append(f.Evidence, audit.FromBinary(prog.Signals.Evidence, 4)...)
	} else {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelBinary, "os/signal.Notify is not linked into %s: no signal is handled", prog.Path))
	}
	switch {
	case slices.Contains(prog.Signals.Ignored, stop.number):
		f.Message = fmt.Sprintf("%s listens but ignores %s: it is killed after the grace period, with requests in flight", prog.Path, stop.text)
		f.Evidence = append(audit.FromBinary(prog.Server.Evidence, 2), audit.FromBinary(prog.Signals.Evidence, 4)...)
	case !slices.Contains(ending, stop.number):
		f.Message = fmt.Sprintf("%s listens but %s, and the Go runtime ignores %s: it is killed after the grace period, with requests in flight", prog.Path, handles, stop.text)
	default:
		f.Message = fmt.Sprintf("%s listens but %s: %s ends it at once, with requests in flight", prog.Path, handles, stop.text)
	}
	if other := otherStop(prog); other != 0 {
		f.Remedy = fmt.Sprintf("Handle %s as well, or set STOPSIGNAL %s", stop.text, binary.SignalName(other))
	}
	return f
}
