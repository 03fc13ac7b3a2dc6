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
	{"roots-server-mutual", "ports", missed, "", "the server's address is stored in a way of older compilers that is not followed"},
	{"serve-and-shut-down", "ports", missed, "", "the server's address is stored in a way of older compilers that is not followed"},
	{"temp-form-handler", "ports", missed, "", "the server's address is stored in a way of older compilers that is not followed"},
	{"serve-profiles", "profiling", weaker, "", "says possible: the handler that is nil is not followed into the default mux"},
	{"roots-fake-transport", "ca-roots", falseProven, "", "open fault: a RoundTripper of the program's own answers the https URL"},
	{"roots-dialled-otherwise", "ca-roots", falseProven, "", "open fault: http.Transport.DialTLSContext replaces TLS"},
	{"roots-not-verified-by-field", "ca-roots", falseProven, "", "open fault: InsecureSkipVerify is set through a pointer"},
	{"roots-pool-built-elsewhere", "ca-roots", falseProven, "unoptimised", "open fault: RootCAs is set in a way of code that is not optimised"},
	{"roots-tls-dial", "ca-roots", weaker, "go1.16.15", "fields of structs are not read in programs of Go 1.16"},
	{"roots-verify", "ca-roots", missed, "", "open fault: x509.(*Certificate).Verify without Roots is not looked for"},
}

func (l limit) covers(p *program, v variant, c comparison) bool {
	return l.program == p.name && l.topic == c.topic && l.outcome == c.outcome &&
		(l.variants == "" || slices.Contains(words(l.variants), v.name))
}

func words(text string) []string { return strings.Fields(text) }
