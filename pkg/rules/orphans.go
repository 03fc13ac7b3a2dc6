package rules

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var orphansUnreaped = &audit.Rule{
	ID:       "orphans-unreaped",
	Title:    "PID 1 starts processes and does not wait for those that are left to it",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "The program is PID 1 itself, starts other programs (os/exec, os.StartProcess, syscall.ForkExec), and neither calls wait4 for any child nor handles SIGCHLD. A shell or an init in front of it is taken to wait.",
		Why:    "What a started program leaves behind becomes a child of PID 1, and a zombie for good when it ends: os/exec waits for its own children only. In time fork fails with \"resource temporarily unavailable\".",
		Unless: "The programs it starts never start others, or wait for all of them.",
		Messages: []string{
			"*fork/exec *: resource temporarily unavailable*",
		},
	},
	Check: checkOrphans,
}

func checkOrphans(p *audit.Pass) {
	prog := p.Entry()
	if prog == nil || prog.Go == nil || prog.Opaque != "" || prog.Children.Starts == "" || prog.Children.Reaps ||
		p.Process.Fault != "" || p.Start.Init != "" || p.Start.Shell.Kind != "" {
		return
	}
	p.Report(p.BlameBuild(prog).Of(audit.Finding{
		Certainty: prog.Children.Starts,
		Message:   fmt.Sprintf("%s is PID 1 and starts programs, but does not wait for what they leave behind", prog.Path),
		Evidence: append(audit.FromBinary(prog.Children.Evidence, 3),
			audit.Seen(audit.LevelBinary, "%s neither calls wait4 for any child nor handles SIGCHLD", prog.Path)),
		Path:   prog.Path,
		Remedy: "Put an init such as tini in front, or start the container with --init",
	}))
}
