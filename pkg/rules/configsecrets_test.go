package rules

import (
	"strings"
	"testing"
)

// FuzzHistoryVars reads steps of every form: nothing panics, and every variable is one of the step's own words.
func FuzzHistoryVars(f *testing.F) {
	for _, s := range []string{"RUN |2 A=1 B=2 /bin/sh -c make # buildkit", "|1 A=1 /bin/sh -c x", "ARG A=1", "/bin/sh -c #(nop)  ENV A=1 B=2", "RUN |9 A=1", "RUN |-1 A=1", "|", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, step string) {
		set, rest := historyVars(step)
		for _, v := range set {
			if v.key == "" || !strings.Contains(step, v.key+"="+v.value) {
				t.Errorf("%q: %+v", step, v)
			}
		}
		if len(set) == 0 && len(rest) > len(step) {
			t.Errorf("%q: the rest is %q", step, rest)
		}
	})
}
