package matrix

import (
	"slices"
	"strings"
)

// limit is a disagreement that is known and has a reason.
type limit struct {
	program, topic string
	outcome        outcome
	variants       string // "" for all, else those whose names are in it
	because        string
}

// limits are all of them. A false proof among them is an open fault of pkg/binary, not a limit: it says so.
var limits = []limit{
	{"cgo-dlopen", "plugin", missed, "static-glibc", "a stripped static program has no symbols, and C functions are in no table of Go's"},
	{"signals-appended", "signals", weaker, "", "says unknown: the list is in memory that append made"},
	{"signals-empty-list", "signals", weaker, "", "says unknown: the list is a variable that anybody may have set"},
	{"signals-function-value", "signals", weaker, "", "says unknown: Notify is called through a value"},
	{"signals-map", "signals", weaker, "", "says unknown: the signals are keys of a map"},
	{"signals-struct-field", "signals", weaker, "", "says unknown: the list is in a field of a struct"},
	{"signals-two-branches", "signals", weaker, "", "says unknown: two lists meet before the call"},
	{"serve-and-shut-down", "ports", missed, "arm64 arm64-pie unoptimised", "the server is given to a goroutine by a register in which the tracer loses it"},
	{"temp-form-handler", "ports", missed, "unoptimised", "the server is made on the stack and copied by a loop"},
	{"call-handler-closure", "zoneinfo", weaker, "go1.16.15", "results of calls are on the stack, where a mux is not followed to its server"},
	{"call-handler-mux", "zoneinfo", weaker, "go1.16.15", "results of calls are on the stack, where a mux is not followed to its server"},
	{"call-handler-wrapped", "zoneinfo", weaker, "go1.16.15", "results of calls are on the stack, where a mux is not followed to its server"},
	{"call-callback", "zoneinfo", weaker, "", "how often the function is called is a parameter of the loop that calls it"},
	{"zone-deferred", "zoneinfo", weaker, "", "whether there is something to recover from decides"},
	{"call-chi-unserved", "listens", weaker, "static-glibc", "a condition of main is seen that is not the program's; which one was not found"},
	{"proof-every-need", "zoneinfo", weaker, "arm64", "main is not followed as a whole; why was not found"},
	{"proof-every-need", "temp-dir", weaker, "arm64", "main is not followed as a whole; why was not found"},
	{"proof-every-need", "exec", weaker, "arm64", "main is not followed as a whole; why was not found"},
	{"proof-every-need", "signals", weaker, "arm64", "main is not followed as a whole; why was not found"},
	{"roots-tls-dial", "ca-roots", weaker, "go1.16.15", "fields of structs are not read in programs of Go 1.16"},
}

func (l limit) covers(p *program, v variant, c comparison) bool {
	return l.program == p.name && l.topic == c.topic && l.outcome == c.outcome &&
		(l.variants == "" || slices.Contains(words(l.variants), v.name))
}

func words(text string) []string { return strings.Fields(text) }
