package rules

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var profilingExposed = &audit.Rule{
	ID:       "profiling-exposed",
	Title:    "net/http/pprof answers on a port of the service",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "A program that links net/http/pprof and serves the mux on which the profiles are registered: the default one (a nil handler), or one of its own. A server that is seen to listen on the loopback interface only, and a mux that is not seen to be served, give a note.",
		Why:    "Whoever reaches the port reads the command line, all goroutines and the heap with the secrets in it, and can keep a CPU busy by asking for profiles.",
		Unless: "The port is reached from a trusted network only, which the image cannot say.",
		Messages: []string{
			"*Types of profiles available:*",
		},
	},
	Check: checkProfiling,
}

func checkProfiling(p *audit.Pass) {
	for _, prog := range p.Programs {
		if !prog.Entry || prog.Go == nil || prog.Opaque != "" || prog.Server.Profiling == "" || !prog.Server.Listens {
			continue
		}
		message := map[audit.Certainty]string{
			audit.Proven: "%s serves net/http/pprof to whoever reaches its port",
			audit.Likely: "%s registers net/http/pprof and is likely to serve it",
		}[prog.Server.Profiling]
		if message == "" {
			message = "%s links net/http/pprof, which answers wherever http.DefaultServeMux is served"
		}
		p.Report(p.BlameBuild(prog).Of(audit.Finding{
			Certainty: prog.Server.Profiling,
			Message:   fmt.Sprintf(message, prog.Path),
			Evidence:  audit.FromBinary(prog.Server.ProfilingEvidence, 3),
			Path:      prog.Path,
			Words:     "Types of profiles available:",
			Remedy:    "Serve the profiles on a listener of their own at 127.0.0.1, and the service on a mux of its own",
		}))
	}
}
