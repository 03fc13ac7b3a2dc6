package dockerfile_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestHidden pins what a shell does with failures. bash, where it is there, says the same: each command in turn is made
// to fail, in its first round if it stands in a loop.
func TestHidden(t *testing.T) {
	tests := []struct{ script, want string }{
		{"a", ""},
		{"a; b", "a sequence"},
		{"a && b", ""},
		{"a && b; c", "a sequence, b sequence"},
		{"set -e; a; b", ""},
		{"set -eux\na\nb", ""},
		{"set -o errexit; a; b", ""},
		{"set -e; set +e; a; b", "a sequence"},
		{"set -e; a && b; c", "a sequence"},
		{"set -e; { a && b; }; c", "a sequence"},
		{"set -e; (a && b); c", ""},
		{"if true; then a; b; fi; c", "a sequence, b sequence"},
		{"a | b", "a pipe"},
		{"set -e; a | b", "a pipe"},
		{"set -eo pipefail; a | b", ""},
		{"set -e; a | b; c", "a pipe"},
		{"for i in 1 2; do a; done", "a loop"},
		{"set -e; for i in 1 2; do a; done", ""},
		{"(a; b)", "a sequence"},
		{"set -e; (a; b); c", ""},
		{"(set -e; a; b); c", "a sequence, b sequence"},
		{"(set -e; a; b)", ""},
		{"case x in x) a; b;; esac", "a sequence"},
	}
	bash, err := exec.LookPath("bash")
	for _, tt := range tests {
		equal(t, tt.script, showHidden(t, tt.script), tt.want)
		for _, name := range []string{"a", "b", "c"} {
			if err != nil || !regexp.MustCompile(`\b`+name+`\b`).MatchString(tt.script) {
				continue
			}
			mark := filepath.Join(t.TempDir(), "failed")
			defs := "a() { :; }\nb() { :; }\nc() { :; }\n" + name + "() { test -e " + mark + " && return 0; : > " + mark + "; return 1; }\n"
			passed := exec.Command(bash, "-c", defs+tt.script).Run() == nil
			equal(t, name+" in "+tt.script+" passes", passed, strings.Contains(tt.want, name+" "))
		}
	}
}

// TestHiddenOnPurpose pins what is taken for intention, and what another line decides.
func TestHiddenOnPurpose(t *testing.T) {
	for _, script := range []string{
		"a || exit 1", "if a; then exit; fi", "a; exit $?", "a & wait", "! a; exit", "#!/bin/sh -e\na\nb", "trap x EXIT; a; b", "while a; do :; done",
	} {
		if got := showHidden(t, script); strings.Contains(got, "a ") {
			t.Errorf("%q: %s", script, got)
		}
	}
}

func showHidden(t *testing.T, script string) string {
	t.Helper()
	s, err := dockerfile.ParseShell(script)
	if err != nil {
		t.Fatalf("%q: %v", script, err)
	}
	var out []string
	for _, c := range s.Commands {
		if c.Hidden != dockerfile.Shown && len(c.Args[0].Value) == 1 {
			out = append(out, c.Args[0].Value+" "+string(c.Hidden))
		}
	}
	return strings.Join(out, ", ")
}

func TestParams(t *testing.T) {
	s, err := dockerfile.ParseShell(`A=1; go build -X "$B" ${C:-x} '$D' \$E $? $1; for F in $G; do read H; export I=$J; done; cat <<K
${L}
K
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.Params {
		name := p.Name
		if p.Guarded {
			name += "?"
		}
		got = append(got, name)
	}
	equal(t, "params", strings.Join(got, " "), "B C? G J L")
	equal(t, "sets", strings.Join(s.Sets, " "), "A F H I")
	equal(t, "sets any", s.SetsAny, false)
	if s, err = dockerfile.ParseShell(". ./env && echo $A"); err != nil || !s.SetsAny {
		t.Errorf("a sourced file may set anything: %+v, %v", s, err)
	}
}
