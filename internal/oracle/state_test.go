package oracle

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// state compares the effective state of the target with the image config that BuildKit makes.
func state(t *testing.T, f file, base string, own *dockerfile.File, result *dockerfile2llb.Result) {
	t.Helper()
	final, c := own.Final(), result.Image.Config
	check := func(what, theirs, ours string) {
		if theirs != ours {
			t.Errorf("%s, %s: %s: BuildKit %q, ours %q\n%s", f.name, base, what, theirs, ours, f.source)
		}
	}
	setting := func(what, theirs, unset string, s dockerfile.Setting) {
		if s.Known || s.By == nil {
			check(what, theirs, cmp.Or(s.Value, unset))
		} else {
			t.Errorf("%s, %s: %s is not known, BuildKit %q\n%s", f.name, base, what, theirs, f.source)
		}
	}
	setting("USER", c.User, "", final.User)
	setting("STOPSIGNAL", c.StopSignal, "", final.StopSignal)
	setting("WORKDIR", path.Clean("/"+c.WorkingDir), "/", final.WorkDir) // BuildKit leaves /a/ and //a as they are
	var env []string
	for _, v := range final.Env {
		env = append(env, v.Key+"="+v.Value)
	}
	search := func(kv string) bool { return strings.HasPrefix(kv, "PATH=") }
	check("ENV", strings.Join(slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(c.Env), search))), "\n"),
		strings.Join(slices.Sorted(slices.Values(slices.DeleteFunc(env, search))), "\n"))
	command := func(what string, theirs []string, c dockerfile.Command) {
		if !c.Exec && len(c.Words) > 0 && len(theirs) > 0 { // behind the SHELL of that line
			theirs = theirs[len(theirs)-1:]
		}
		check(what, strings.Join(theirs, "|"), strings.Join(c.Words, "|"))
	}
	command("ENTRYPOINT", c.Entrypoint, final.Entrypoint)
	command("CMD", c.Cmd, final.Cmd)
}
