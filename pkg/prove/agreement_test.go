package prove_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// agreement compares what several engines observe of the same run: everything but times and sizes is the same.
type agreement struct{ first map[string]string } // by run

// accidental is what differs from run to run: times, the names of temporary files, and how asking a loopback fails on which
// nobody answers, for docker leaves it without IPv6.
var accidental = regexp.MustCompile(`\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\dZ?|answer\d+|\[::1\]:53: (read|dial) udp [^"]*`)

func (a *agreement) note(t *testing.T, kind prove.Kind, run string, o audit.Observation) {
	t.Helper()
	o.Seconds, o.Ready, o.Memory = 0, 0, 0
	if o.Stop != nil {
		stop := *o.Stop
		stop.Seconds = 0
		o.Stop = &stop
	}
	if o.Health != nil { // an exec that fails has each engine's own words and code
		o.Health = &audit.Checked{Command: o.Health.Command, ExitCode: min(o.Health.ExitCode, 1)}
	}
	o.Lookups = slices.Compact(slices.Sorted(slices.Values(o.Lookups)))
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	seen := accidental.ReplaceAllString(string(data), "X")
	switch first, ok := a.first[run]; {
	case a.first == nil:
		a.first = map[string]string{run: seen}
	case !ok:
		a.first[run] = seen
	case first != seen:
		t.Errorf("%s: %s observes\n%s\nand another engine\n%s", run, kind, seen, first)
	}
}
