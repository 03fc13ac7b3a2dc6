package dockerfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Missing is a build argument without a value on which an instruction depends: nobody gave one with --build-arg, and the
// ARG has no default.
type Missing struct {
	Name string
	By   *Instruction // FROM, COPY, ADD, RUN (a mount), WORKDIR, USER or STOPSIGNAL that needs it
}

// needs records the arguments that keep a word of an instruction from being known.
func (r *reader) needs(in *Instruction, names *scope, word string, isKnown bool) {
	if isKnown {
		return
	}
	for _, name := range names.why(word, false) {
		if m := (Missing{name, in.home()}); !slices.Contains(r.file.Missing, m) {
			r.file.Missing = append(r.file.Missing, m)
		}
	}
}

// sortMissing puts them in file order.
func (f *File) sortMissing() {
	slices.SortStableFunc(f.Missing, func(a, b Missing) int {
		return cmp.Or(cmp.Compare(a.By.Span.Start.Offset, b.By.Span.Start.Offset), cmp.Compare(a.Name, b.Name))
	})
}

// undeclared gives the names of the build arguments that nothing takes.
func (r *reader) undeclared(metaArgs []instructions.ArgCommand) []string {
	if len(r.file.Options.BuildArgs) == 0 {
		return nil
	}
	declared := map[string]bool{}
	declare := func(c *instructions.ArgCommand) {
		for _, arg := range c.Args {
			declared[arg.Key] = true
		}
	}
	for k := range metaArgs {
		declare(&metaArgs[k])
	}
	for _, steps := range r.steps {
		for _, p := range steps {
			if c, ok := p.cmd.(*instructions.ArgCommand); ok {
				declare(c)
			}
		}
	}
	var names []string
	for name := range maps.Keys(r.file.Options.BuildArgs) {
		if !declared[name] && r.given.lookup(name).kind == undefined && !builderTakes(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// builderTakes reports whether BuildKit itself looks at a build argument, declared or not: the proxies
// (proxyEnvFromBuildArgs in dockerfile2llb/convert.go), and what configures the builder.
func builderTakes(name string) bool {
	switch strings.ToLower(name) {
	case "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_") || name == "SOURCE_DATE_EPOCH"
}
