package rules

import (
	"fmt"
	"go/version"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var cpuLimitIgnored = &audit.Rule{
	ID:       "cpu-limit-ignored",
	Title:    "the Go runtime takes no notice of the container's CPU limit",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "Since Go 1.25 GOMAXPROCS follows the CPU limit of the cgroup, but only if the go line of the main module's go.mod is 1.25 or later: else the build information has containermaxprocs=0 in DefaultGODEBUG. Nothing is said when a package like go.uber.org/automaxprocs is linked, or the image sets GOMAXPROCS or GODEBUG=containermaxprocs=1. Whether there will be a limit cannot be seen in an image: possible at most.",
		Why:    "With a limit of one CPU on a machine of 64 the program runs 64 threads at once, uses up its share in the first milliseconds of each period, and stands still for the rest: requests are slow while the CPU looks idle.",
		Unless: "The container runs without a CPU limit.",
	},
	Check: checkCPULimit,
}

func checkCPULimit(p *audit.Pass) {
	prog := entryGo(p)
	if prog == nil || prog.Go.Release() == "" {
		return
	}
	_, builtIn := prog.Feature(binary.FeatureProcs)
	var because, remedy string
	switch {
	case version.Compare(prog.Go.Release(), "go1.25") < 0:
		because = fmt.Sprintf("%s is older than Go 1.25, whose runtime was the first to look", prog.Go.Release())
		remedy = "Build with Go 1.25 or later and a go line of 1.25 or later, or import go.uber.org/automaxprocs"
	case prog.Go.GODEBUG()["containermaxprocs"] == "0":
		because = "DefaultGODEBUG has containermaxprocs=0: the go line of its go.mod is older than 1.25"
		remedy = "Raise the go line of go.mod to 1.25 or later, or set GODEBUG=containermaxprocs=1"
	}
	if because == "" || builtIn || setsProcs(p.Env()) {
		return
	}
	cause, _ := buildLine(p, prog)
	p.Report(cause.Of(audit.Finding{
		Certainty: audit.Possible,
		Message:   fmt.Sprintf("%s takes no notice of a CPU limit: it runs as many threads as the machine has CPUs", prog.Path),
		Evidence:  []audit.Evidence{audit.Seen(audit.LevelBinary, "%s", because)},
		Remedy:    remedy,
	}))
}

// setsProcs says whether the environment settles GOMAXPROCS.
func setsProcs(env []string) bool {
	return slices.ContainsFunc(env, func(kv string) bool {
		key, value, _ := strings.Cut(kv, "=")
		return key == "GOMAXPROCS" && validRuntimeEnv(key, value) ||
			key == "GODEBUG" && slices.Contains(strings.Split(value, ","), "containermaxprocs=1")
	})
}
