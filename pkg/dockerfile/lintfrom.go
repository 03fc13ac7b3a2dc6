package dockerfile

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// from is what buildDispatchStates of dockerfile2llb/convert.go checks of a FROM.
func (c *check) from(s *Stage, st instructions.Stage) {
	lint := c.lint.WithMergedConfigFromComments(st.Comments)
	base, err := c.global.process(st.BaseName, environment{scope: &c.global})
	c.undeclared(s, s.From.word(0), base.Unmatched, st.Location, lint)
	if err != nil || st.Platform == "" {
		return
	}
	flag := s.From.word(0)
	for _, f := range s.From.Flags {
		if f.Name == "platform" {
			flag = f.Span
		}
	}
	platform, err := c.global.process(st.Platform, environment{scope: &c.global})
	c.undeclared(s, flag, platform.Unmatched, st.Location, lint)
	c.about(s.From, flag)
	if _, ok := platform.Matched["TARGETPLATFORM"]; ok && len(platform.Matched) == 1 && len(platform.Unmatched) == 0 {
		if platform.Result == c.global.lookup("TARGETPLATFORM").value {
			rule := &linter.RuleRedundantTargetPlatform
			lint.Run(rule, st.Location, rule.Format(st.Platform))
		}
	}
	if err == nil {
		c.constantPlatform(st, platform, lint)
	}
}

// undeclared is reportUnusedFromArgs: variables of FROM that no ARG before the first FROM declares.
func (c *check) undeclared(s *Stage, where Span, missing map[string]struct{}, location []parser.Range, lint *linter.Linter) {
	rule := &linter.RuleUndefinedArgInFrom
	for _, name := range sortedNames(missing) {
		if c.global.lookup(name).kind != undefined || slices.Contains(c.unset, name) || c.full() {
			continue
		}
		near := ""
		if keys := c.declared(); len(keys) <= maxSuggested { // BuildKit takes them out of a map, in no order
			near, _ = suggest.Search(name, keys, true)
		}
		c.about(s.From, c.variable(where, name))
		lint.Run(rule, location, rule.Format(name, near))
	}
}

// declared are the names that FROM may use, sorted.
func (c *check) declared() []string {
	keys := slices.Clone(c.unset)
	for s := &c.global; s != nil; s = s.up {
		keys = slices.AppendSeq(keys, maps.Keys(s.names))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// constantPlatform is reportConstPlatformDisallowed.
func (c *check) constantPlatform(st instructions.Stage, platform shell.ProcessWordResult, lint *linter.Linter) {
	if len(platform.Matched) > 0 || len(platform.Unmatched) > 0 {
		return
	}
	os, arch, ok := parsePlatform(platform.Result)
	if !ok || strings.Contains(st.Name, os) || strings.Contains(st.Name, arch) {
		return
	}
	rule := &linter.RuleFromPlatformFlagConstDisallowed
	lint.Run(rule, st.Location, rule.Format(platform.Result))
}

// The names that github.com/containerd/platforms knows (database.go), and the shape of a platform's first part.
var (
	knownOS   = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos")
	knownArch = strings.Fields("386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
		"mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm")
	osForm = lazyregexp.New(`^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$`)
)

// parsePlatform gives operating system and architecture of a platform like platforms.Parse of
// github.com/containerd/platforms: the part that is missing is the one of the machine.
func parsePlatform(s string) (os, arch string, ok bool) {
	parts := strings.SplitN(s, "/", 4)
	m := osForm.FindStringSubmatch(parts[0])
	if m == nil || len(parts) > 3 || strings.Contains(s, "*") {
		return "", "", false
	}
	os = strings.ToLower(m[1])
	if os == "macos" {
		os = "darwin"
	}
	for _, part := range parts[1:] {
		if !platformForm.MatchString(part) {
			return "", "", false
		}
	}
	if len(parts) > 1 {
		_, arch, _ = normalise("", parts[1], "")
		return os, arch, true
	}
	if slices.Contains(knownOS, os) {
		return os, runtime.GOARCH, true
	}
	_, arch, _ = normalise("", parts[0], "")
	return runtime.GOOS, arch, slices.Contains(knownArch, arch)
}

func sortedNames(set map[string]struct{}) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// basePlatforms is validateBaseImagePlatform, for the base images that are known.
func (c *check) basePlatforms(stages []instructions.Stage) {
	for k, s := range c.r.file.Stages {
		if s.Inherited == nil || s.Inherited.Platform == "" {
			continue
		}
		wanted, actual := canonical(c.r.platformOf(s)), canonical(s.Inherited.Platform)
		if os, arch, _ := parsePlatform(wanted); os+"/"+arch == strings.Join(strings.SplitN(actual+"//", "/", 3)[:2], "/") {
			continue
		}
		c.about(s.From, s.From.word(0))
		rule := &linter.RuleInvalidBaseImagePlatform
		c.lint.Run(rule, stages[k].Location, rule.Format(s.Base, wanted, actual))
	}
}

// canonical writes a platform as BuildKit does.
func canonical(platform string) string {
	parts := append(strings.SplitN(platform, "/", 3), "", "")
	if len(parts) == 3 { // one part only
		os, arch, _ := parsePlatform(platform)
		return os + "/" + arch
	}
	os, arch, variant := normalise(parts[0], parts[1], parts[2])
	return strings.TrimRight(os+"/"+arch+"/"+variant, "/")
}
