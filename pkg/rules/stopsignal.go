package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// The signals that matter here. Source: signal(7); the same on amd64 and arm64.
const (
	sigint   = 2
	sigkill  = 9
	sigterm  = 15
	sigstop  = 19
	sigrtmin = 34 // the first that the C library leaves free
	sigrtmax = 64
)

// stopping are the signals that programs handle to stop, the usual one first. SIGHUP is not: it asks to reload.
var stopping = []int{sigterm, sigint, 3}

// ending are the signals that end a Go program which does not handle them; the others it ignores.
// Source: runtime/sigtab_linux_generic.go, those with _SigKill or _SigThrow that can be sent to stop.
var ending = []int{1, 2, 3, 6, sigterm}

// halt is the signal that asks the container to stop.
type halt struct {
	text   string // as written
	number int    // 0 if the text is no signal
	set    bool   // by the image or the Dockerfile; else it is the run-time's SIGTERM
	by     *dockerfile.Instruction
}

// catchable reports whether a program can handle the signal.
func (h halt) catchable() bool { return h.number != 0 && h.number != sigkill && h.number != sigstop }

// stopSignal is the image's stop signal, or the Dockerfile's if there is no image.
func stopSignal(p *audit.Pass) halt {
	h := halt{text: "SIGTERM"}
	if p.Dockerfile != nil && p.Dockerfile.Final() != nil {
		h.by = p.Dockerfile.Final().StopSignal.By
	}
	switch {
	case p.Image != nil:
		if text := p.Image.Config.StopSignal; text != "" {
			h.text, h.set = text, true
		}
	case h.by != nil && p.Dockerfile.Final().StopSignal.Known:
		h.text, h.set = p.Dockerfile.Final().StopSignal.Value, true
	}
	h.number = signalNumber(h.text)
	return h
}

// signalNumber reads what STOPSIGNAL may be: a number, or a name in any case with or without SIG, also SIGRTMIN+3; 0 if
// it is neither.
func signalNumber(text string) int {
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > sigrtmax {
			return 0
		}
		return n
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	for n := 1; n < 32; n++ {
		if binary.SignalName(n) == "SIG"+name {
			return n
		}
	}
	return map[string]int{"CLD": 17, "POLL": 29, "IOT": 6}[name] + realTime(name)
}

// listedRealTime are the names of real-time signals that builders know.
var listedRealTime = lazyregexp.New(`^RT(MIN(\+([1-9]|1[0-5]))?|MAX(-([1-9]|1[0-4]))?)$`)

// refusedSignal reports whether BuildKit refuses a STOPSIGNAL. It takes any number but 0, and the names that it knows.
// Source: ParseSignal of github.com/moby/sys/signal.
func refusedSignal(text string) bool {
	if n, err := strconv.Atoi(text); err == nil {
		return n == 0
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	return signalNumber(text) == 0 || strings.HasPrefix(name, "RT") && !listedRealTime.MatchString(name)
}

// checkSignal finds a STOPSIGNAL that BuildKit refuses.
func checkSignal(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	text := strings.TrimSpace(in.Text)
	if set := stage.StopSignal; set.By == in && set.Known {
		text = set.Value
	}
	if strings.ContainsAny(text, "$\"'\\\n") || !refusedSignal(text) {
		return
	}
	p.Report(p.BlameLine(in).Of(audit.Finding{
		Message:  fmt.Sprintf("STOPSIGNAL %s is no signal", text),
		Evidence: []audit.Evidence{p.At(in, "it is neither a number above 0 nor the name of a signal")},
		Words:    "invalid signal: " + text,
		Remedy:   "Remove STOPSIGNAL: SIGTERM is the default",
		Fix:      stopSignalFix(p, halt{text: text, by: in}, "SIGTERM"),
	}))
}

// realTime reads RTMIN, RTMIN+n, RTMAX and RTMAX-n; 0 for anything else.
func realTime(name string) int {
	base, sign := sigrtmin, 1
	rest, ok := strings.CutPrefix(name, "RTMIN")
	if !ok {
		if rest, ok = strings.CutPrefix(name, "RTMAX"); !ok {
			return 0
		}
		base, sign = sigrtmax, -1
	}
	if rest == "" {
		return base
	}
	if digits, ok := strings.CutPrefix(rest, map[int]string{1: "+", -1: "-"}[sign]); ok {
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil && n <= sigrtmax-sigrtmin {
			return base + sign*int(n)
		}
	}
	return 0
}

// deaf reports whether a program provably does not handle a signal.
func deaf(prog *audit.Program, number int) bool {
	handles, known := prog.Signals.Handles(number)
	return known && !handles
}

// otherStop is the signal that a program handles to stop, 0 if none is known.
func otherStop(prog *audit.Program) int {
	for _, n := range stopping {
		if handles, known := prog.Signals.Handles(n); known && handles {
			return n
		}
	}
	return 0
}

// signalsText lists signals: "SIGHUP (1) and SIGUSR1 (10)".
func signalsText(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, binary.SignalName(n)+" ("+strconv.Itoa(n)+")")
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// unheard says what a signal does to a program that does not handle it, and the words a person then sees.
func unheard(p *audit.Pass, prog *audit.Program, number int) (effect, words string) {
	const killed = "no message: the container is killed after the grace period, exit code 137"
	switch {
	case slices.Contains(prog.Signals.Ignored, number):
		return ", which it ignores: it is killed after the grace period", killed
	case !slices.Contains(ending, number):
		return ", which the Go runtime ignores: it is killed after the grace period", killed
	case p.Start.Init != "" && (number == sigterm || number == sigint || number == 1):
		return ": it ends at once", "exit code " + strconv.Itoa(128+number) + " (below an init)"
	}
	return ": it ends at once", "exit code 2 (as PID 1)"
}
