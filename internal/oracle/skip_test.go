package oracle

import (
	"slices"
	"testing"
)

// TestSkipAbove finds the checks that a comment above the line does not turn off: the documentation of the rules says
// which they are.
func TestSkipAbove(t *testing.T) {
	for _, test := range []struct {
		rule, before, line string // the comment stands between
		reaches            bool
	}{
		{"ConsistentInstructionCasing", "FROM scratch\n", "Copy a /b\n", false},
		{"DuplicateStageName", "FROM scratch AS a\n", "FROM scratch AS a\n", false},
		{"ReservedStageName", "", "FROM alpine AS context\n", false},
		{"NoEmptyContinuation", "FROM scratch\n", "COPY a \\\n\n /b\n", false},
		{"InvalidDefaultArgInFrom", "ARG C\n", "FROM ${C}\n", false},
		{"StageNameCasing", "", "FROM scratch AS Build\n", true},
		{"FromAsCasing", "", "FROM scratch as build\n", true},
		{"MaintainerDeprecated", "FROM scratch\n", "MAINTAINER a\n", true},
		{"JSONArgsRecommended", "FROM scratch\n", "CMD a\n", true},
		{"UndefinedVar", "FROM scratch\n", "COPY $A /a\n", true},
		{"UndefinedArgInFrom", "", "FROM alpine$A\n", true},
		{"FromPlatformFlagConstDisallowed", "", "FROM --platform=linux/arm64 alpine\n", true},
		{"RedundantTargetPlatform", "", "FROM --platform=$TARGETPLATFORM alpine\n", true},
		{"SecretsUsedInArgOrEnv", "FROM scratch\n", "ENV A_KEY=b\n", true},
		{"LegacyKeyValueFormat", "FROM scratch\n", "ENV A b\n", true},
		{"WorkdirRelativePath", "FROM scratch\n", "WORKDIR a\n", true},
		{"ExposeProtoCasing", "FROM scratch\n", "EXPOSE 1/TCP\n", true},
		{"ExposeInvalidFormat", "FROM scratch\n", "EXPOSE 1:1\n", true},
	} {
		for _, skip := range []bool{false, true} {
			text := "ARG X=1\n" + test.before
			if skip {
				text += "# check=skip=" + test.rule + "\n"
			}
			b := input{source: []byte(text + test.line), args: map[string]string{"C": "alpine"}}
			theirs, stopped := b.check(t)
			_, all, err := b.ours(t, false)
			if stopped != "" || err != nil {
				t.Fatalf("%s: %s, %v", test.rule, stopped, err)
			}
			want := !skip || !test.reaches
			for who, list := range map[string][]said{"BuildKit": theirs, "ours": fromOurs(all, every)} {
				if got := slices.ContainsFunc(list, func(s said) bool { return s.rule == test.rule }); got != want {
					t.Errorf("%s, comment above %v: %s says it: %v\n%s", test.rule, skip, who, got, b.source)
				}
			}
		}
	}
}
