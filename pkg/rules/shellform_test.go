package rules_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestNoJSONReality runs what looks like JSON and is none by a real shell, as a container would: none of it starts the
// program, which is true(1) here.
func TestNoJSONReality(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("needs a shell: %v", err)
	}
	const program = "echo"
	for _, c := range []struct {
		cmd    string
		meant  bool // it looks like JSON
		starts bool // the program starts
	}{
		{cmd: "['echo', 'started']", meant: true},
		{cmd: `["echo", "started",]`, meant: true},
		{cmd: `["echo", "started", ]`, meant: true},
		{cmd: `[ "echo", "started", ]`, meant: true},
		{cmd: `['echo','started']`, meant: true},
		{cmd: `[echo, started]`, meant: true},
		{cmd: `["echo" "started"]`, meant: true},
		{cmd: `["echo"] && true`, meant: true},
		{cmd: `[ -n "x" ] && echo started`, starts: true},
		{cmd: `[ "x" = "x" ] && echo started`, starts: true},
		{cmd: `echo started`, starts: true},
	} {
		text := "FROM alpine:3.22\nCMD " + c.cmd + "\n"
		f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.cmd, err)
		}
		if f.Final().Cmd.Exec {
			t.Fatalf("%s is exec form", c.cmd)
		}
		out, _ := exec.Command(sh, "-c", f.Final().Cmd.Words[0]).Output()
		if starts := strings.Contains(string(out), "started"); starts != c.starts {
			t.Errorf("%s starts %s: %v, want %v", c.cmd, program, starts, c.starts)
		}
		s := &audit.Subject{Dockerfile: f}
		s.Prepare()
		findings := audit.Run(s, []*audit.Rule{rules.Find("shell-form")}).Findings
		if said := len(findings) > 0 && findings[0].Severity == audit.Error; said != c.meant {
			t.Errorf("%s: the rule says %v", c.cmd, findings)
		}
	}
}
