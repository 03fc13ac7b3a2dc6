package rules

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

// withoutCgo turns cgo off in the line that built a program whose loader or libraries keep it from starting: nothing is
// lost then. Only for a program that links nothing by cgo but what the standard library has in Go too (net, os/user). done
// is true when the line has it already, and the image is older.
func withoutCgo(p *audit.Pass, prog *audit.Program) (fix *audit.Fix, done bool) {
	if !onlyStandardCgo(prog) {
		return nil, false
	}
	g := goLineOf(p, prog)
	if g == nil || slices.Contains([]string{"pie", "plugin", "c-shared", "c-archive"}, g.flag("buildmode")) || g.count("race")+g.count("msan")+g.count("asan") > 0 {
		return nil, false
	}
	return fixOf("Build with CGO_ENABLED=0", audit.Safe, g.set("CGO_ENABLED", "0")), g.has("CGO_ENABLED", "0")
}

// builtWithoutCgo gives a finding that fix, or says that the line has it.
func builtWithoutCgo(p *audit.Pass, prog *audit.Program, f audit.Finding) audit.Finding {
	fix, done := withoutCgo(p, prog)
	if f.Fix = fix; done {
		f.Remedy = "Build the image again: the line has CGO_ENABLED=0 now"
	}
	return f
}

// flag is the value of a flag of the command, "" without it.
func (g *goLine) flag(name string) string {
	f, _ := g.b.Flag(name)
	return f.Value
}

// onlyStandardCgo reports whether a program built with cgo surely has no C code but the standard library's: the Go linker
// linked it by itself, which it does for no other. What the C compiler's start files bring is missing then.
// Source: cmd/link/internal/ld, internalpkg in lib.go and mustLinkExternal in config.go.
func onlyStandardCgo(prog *audit.Program) bool {
	if prog.Go == nil || prog.ELF == nil || prog.Go.Settings["CGO_ENABLED"] != "1" || !onlyLibc(prog.ELF.Needed) {
		return false
	}
	for key, value := range prog.Go.Settings {
		if key == "-race" || key == "-msan" || key == "-asan" || key == "-buildmode" && value != "exe" || key == "GOEXPERIMENT" && strings.Contains(value, "boring") {
			return false
		}
	}
	_, boring := prog.Feature(binary.FeatureBoring)
	_, plugins := prog.Need(binary.TopicPlugin)
	started := slices.ContainsFunc(prog.ELF.Undefined, func(s binary.Symbol) bool { return s.Name == "__libc_start_main" }) ||
		slices.ContainsFunc(prog.Layout.Sections, func(s binary.Section) bool { return s.Name == ".init" || s.Name == ".init_array" })
	return !boring && !plugins && !started
}
