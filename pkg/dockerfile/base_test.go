package dockerfile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// golang is a base image as the configs of images on registries look.
var golang = &dockerfile.Base{
	Env:        []string{"PATH=/go/bin:/usr/bin", "GOLANG_VERSION=1.26", "GOPATH=/go", "EMPTY="},
	WorkDir:    "/go",
	User:       "1000:1000",
	StopSignal: "SIGQUIT",
	Entrypoint: []string{"/entry"}, Cmd: []string{"sh"}, Shell: []string{"/bin/bash", "-ec"},
	Healthcheck: []string{"CMD-SHELL", "curl x"},
	OnBuild:     []string{"ARG TAGS=x", "ENV FROM_TRIGGER=$TAGS", "COPY . /go/src/app", "RUN go build -o /app ./..."},
}

// bases knows golang, with empty: an image that sets nothing, and notes what is asked.
func bases(asked *[]string) func(ref, platform string) *dockerfile.Base {
	return func(ref, platform string) *dockerfile.Base {
		if asked != nil {
			*asked = append(*asked, ref+" "+platform)
		}
		switch ref {
		case "golang":
			return golang
		case "empty":
			return &dockerfile.Base{}
		}
		return nil
	}
}

func TestInherited(t *testing.T) {
	f := mustParse(t, "FROM golang AS b\nENV P=$PATH:/x V=${GOLANG_VERSION}${EMPTY}${NO}\nWORKDIR src\nCOPY a b\n", dockerfile.Options{Bases: bases(nil)})
	s := f.Final()
	equal(t, "env", variables(s.Env), "PATH=/go/bin:/usr/bin GOLANG_VERSION=1.26 GOPATH=/go EMPTY= FROM_TRIGGER=x P=/go/bin:/usr/bin:/x V=1.26")
	equal(t, "args", variables(s.Args), "TAGS=x")
	equal(t, "of the base", s.Env[0].By == nil && s.Env[0].Span.IsZero(), true)
	equal(t, "of the stage", s.Env[5].By, s.Instructions[0])
	equal(t, "user", fmt.Sprint(s.User), "{1000:1000 true <nil>}")
	equal(t, "directory", s.WorkDir.Value, "/go/src")
	equal(t, "destination", s.Instructions[2].Copy.Dest, "/go/src/b")
	equal(t, "signal", fmt.Sprint(s.StopSignal), "{SIGQUIT true <nil>}")
	equal(t, "commands", fmt.Sprint(s.Shell, s.Entrypoint, s.Cmd, s.Healthcheck),
		"{true [/bin/bash -ec] false <nil>} {true [/entry] false <nil>} {true [sh] false <nil>} {false [curl x] false <nil>}")
	equal(t, "config", s.Inherited, golang)
}

func TestInheritedNothing(t *testing.T) {
	s := mustParse(t, "FROM empty\nENV P=$PATH H=$HOME\nWORKDIR x\n", dockerfile.Options{Bases: bases(nil)}).Final()
	equal(t, "env", variables(s.Env), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "+
		"P=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin H=")
	equal(t, "user", fmt.Sprint(s.User), "{ true <nil>}")
	equal(t, "directory", s.WorkDir.Value, "/x")
	equal(t, "commands", fmt.Sprint(s.Shell, s.Entrypoint, s.Cmd, s.Healthcheck), "{false [] false <nil>} {false [] false <nil>} {false [] false <nil>} {false [] false <nil>}")

	s = mustParse(t, "FROM other\nENV P=$PATH\nWORKDIR x\n", dockerfile.Options{Bases: bases(nil)}).Final()
	equal(t, "unknown", variables(s.Env)+fmt.Sprint(s.User, s.WorkDir.Value, s.Inherited == nil), "P?{ false <nil>}true")

	// an ENTRYPOINT of the stage clears the base's CMD
	s = mustParse(t, "FROM golang\nENTRYPOINT [\"/x\"]\nSHELL [\"/bin/sh\", \"-c\"]\nHEALTHCHECK NONE\nUSER 0\n", dockerfile.Options{Bases: bases(nil)}).Final()
	equal(t, "cleared", fmt.Sprint(s.Cmd.Words, s.Cmd.By.Keyword, s.User.Value, s.Healthcheck.None, s.Shell.Words), "[]ENTRYPOINT0true [/bin/sh -c]")
}

// TestBasesAsked: once per stage that the target needs, never about stages, scratch, or a name that is not known.
func TestBasesAsked(t *testing.T) {
	var asked []string
	src := "ARG V\nFROM --platform=linux/arm64 golang AS a\nFROM other AS unused\nFROM scratch AS b\nFROM a AS c\nCOPY --from=b / /\nFROM x:$V\nCOPY --from=c / /\n"
	mustParse(t, src, dockerfile.Options{Bases: bases(&asked), Platform: "linux/amd64"})
	equal(t, "asked", strings.Join(asked, ", "), "golang linux/arm64")

	asked = nil
	mustParse(t, "FROM empty\n", dockerfile.Options{Bases: bases(&asked), Platform: "linux/arm/v6"})
	equal(t, "asked", strings.Join(asked, ", "), "empty linux/arm/v6")
}

// TestTriggers: what ONBUILD left, of a stage and of an image, belongs to the stage that starts there, and to no stage
// above that.
func TestTriggers(t *testing.T) {
	show := func(f *dockerfile.File, s *dockerfile.Stage) string {
		var out []string
		for _, in := range s.Triggers {
			line := fmt.Sprintf("%s %q", in.Keyword, f.Text(in.Span))
			if in.OnBuildOf != nil {
				line += fmt.Sprint(" of line ", in.OnBuildOf.Span.Start.Line)
			}
			equal(t, "stage", in.Stage, s)
			out = append(out, line)
		}
		return strings.Join(out, "\n")
	}
	f := mustParse(t, "FROM a AS b\nARG D=/wrong\nONBUILD ARG D=/d\nONBUILD COPY --chown=1 \\\n # c\n x $D/\nONBUILD RUN <<EOF\ngo build -o $D/app ./cmd\nEOF\nONBUILD USER 7\nFROM b AS c\nRUN ls\nFROM c\n")
	b, c, d := f.Stages[0], f.Stages[1], f.Stages[2]
	equal(t, "own stage", len(b.Triggers)+len(d.Triggers), 0)
	equal(t, "triggers", show(f, c), `ARG "ARG D=/d" of line 3
COPY "COPY --chown=1 \\\n # c\n x $D/" of line 4
RUN "RUN <<EOF\ngo build -o $D/app ./cmd\nEOF" of line 7
USER "USER 7" of line 10`)
	equal(t, "not in the stage", b.User.By == nil && b.Instructions[2].Trigger.Copy == nil, true)
	equal(t, "user", c.User.Value+d.User.Value, "77")
	equal(t, "by", c.User.By, b.Instructions[4])
	equal(t, "copy", fmt.Sprint(c.Triggers[1].Copy.Sources, c.Triggers[1].Copy.Dest, c.Triggers[1].Copy.Chown), "[x]/d1")
	equal(t, "flag", texts(f, c.Triggers[1].Flags[0].Span, c.Triggers[1].Words[1].Span), "--chown=1 | $D/")
	equal(t, "build", showBuild(c.Triggers[2].Run.Builds[0])[:20], `build "" "/d/app" [.`)
	equal(t, "build's place", f.Text(c.Triggers[2].Run.Builds[0].Span), "go build -o $D/app ./cmd")
	equal(t, "script", len(c.Triggers[2].Script().Commands), 1)
	equal(t, "origin", f.Origin(d, "/d/app")[0], b.Instructions[3])

	f = mustParse(t, "FROM golang\nFROM golang AS g\nFROM g\n", dockerfile.Options{Bases: bases(nil)})
	equal(t, "not built", len(f.Stages[0].Triggers), 0)
	equal(t, "of the image", strings.ReplaceAll(show(f, f.Stages[1]), "\n", ", "), `ARG "", ENV "", COPY "", RUN ""`)
	equal(t, "not twice", len(f.Stages[2].Triggers), 0)
	run := f.Stages[1].Triggers[3]
	equal(t, "text", run.Text+" "+run.Run.Builds[0].Output, "go build -o /app ./... /app")
	equal(t, "origin", f.Origin(f.Stages[2], "/app")[0], f.Stages[1].From)
	equal(t, "copy", f.Stages[1].Triggers[2].Copy.Dest, "/go/src/app")
}

// TestTriggersOfImagesNeedStages: a trigger of an image may name a stage, which is built then.
func TestTriggersOfImagesNeedStages(t *testing.T) {
	image := &dockerfile.Base{OnBuild: []string{"COPY --from=assets /a /b"}}
	var asked []string
	opt := dockerfile.Options{Bases: func(ref, _ string) *dockerfile.Base {
		asked = append(asked, ref)
		if ref == "trigger" {
			return image
		}
		return golang
	}}
	f := mustParse(t, "FROM x AS assets\nFROM trigger\n", opt)
	equal(t, "reachable", f.Reachable(f.Stages[0]), true)
	equal(t, "asked", strings.Join(asked, " "), "trigger x")
	for _, wrong := range []string{"FROM a", "NONSENSE", "RUN a\nRUN b", "COPY --from=later a b", "COPY ${x a"} {
		image.OnBuild = []string{wrong}
		if _, err := dockerfile.Parse("Dockerfile", []byte("FROM trigger\nFROM x AS later\nFROM trigger\n"), opt); err == nil && wrong != "COPY --from=later a b" {
			t.Errorf("%q is accepted", wrong)
		}
		_, err := dockerfile.Parse("Dockerfile", []byte("FROM trigger\nFROM x AS later\n"), dockerfile.Options{Bases: opt.Bases, Target: ""})
		if err != nil {
			t.Errorf("%q in an image that is not needed: %v", wrong, err)
		}
	}
}

func TestMissing(t *testing.T) {
	show := func(f *dockerfile.File) string {
		var out []string
		for _, m := range f.Missing {
			out = append(out, fmt.Sprintf("%s:%s %d", m.Name, m.By.Keyword, m.By.Span.Start.Line))
		}
		return strings.Join(out, " ")
	}
	tests := []struct{ name, src, want string }{
		{"none", "ARG V=1\nFROM a:$V\nARG X\nCOPY ${X:-.} /\n", ""},
		{"base", "ARG V\nFROM a:$V\n", "V:FROM 2"},
		{"platform", "ARG P\nFROM --platform=$P a\n", "P:FROM 2"},
		{"through another", "ARG V\nARG W=1-$V\nFROM a:$W\nARG W\nCOPY $W /x\n", "V:FROM 3 V:COPY 5"},
		{"given", "ARG GIVEN\nFROM a:$GIVEN\nARG GIVEN\nCOPY $GIVEN /\n", ""},
		{"predefined", "FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH TARGETVARIANT\nCOPY bin-$TARGETARCH$TARGETVARIANT /\n", ""},
		{"paths and users", "FROM a\nARG A B C D\nCOPY $A /x\nADD --chown=$B x /x\nWORKDIR /$C\nUSER $D\n", "A:COPY 3 B:ADD 4 C:WORKDIR 5 D:USER 6"},
		{"through ENV", "FROM a\nARG A\nENV B=$A\nSTOPSIGNAL $B\n", "A:STOPSIGNAL 4"},
		{"mounts", "FROM a\nARG A B\nRUN --mount=type=cache,target=/$A,id=$B x $B\n", "A:RUN 3 B:RUN 3"},
		{"two in one", "ARG A\nARG B\nFROM $B:$A\n", "A:FROM 3 B:FROM 3"},
		{"not asked in a script", "FROM a\nARG A\nRUN x $A\nENV B=$A\nLABEL c=$A\nCMD $A\n", ""},
		{"of the base image", "FROM a\nCOPY $HOME/x /\n", ""},
		{"trigger", "FROM a AS b\nONBUILD ARG A\nONBUILD COPY $A /\nFROM b\n", "A:ONBUILD 3"},
		{"not in scope", "ARG A\nFROM scratch\nCOPY x$A /\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, tt.src, dockerfile.Options{BuildArgs: map[string]string{"GIVEN": "x"}})
			equal(t, "missing", show(f), tt.want)
		})
	}
}

func TestUndeclared(t *testing.T) {
	args := map[string]string{}
	for _, name := range []string{"GLOBAL", "STAGE", "TRIGGER", "NOT", "ALSO_NOT", "HTTP_PROXY", "no_proxy", "BUILDKIT_SYNTAX", "SOURCE_DATE_EPOCH", "TARGETARCH", "BUILDPLATFORM"} {
		args[name] = "x"
	}
	f := mustParse(t, "ARG GLOBAL\nFROM a AS b\nARG STAGE\nONBUILD ARG TRIGGER\nFROM b\n", dockerfile.Options{BuildArgs: args})
	equal(t, "undeclared", strings.Join(f.Undeclared, " "), "ALSO_NOT NOT")
	f = mustParse(t, "FROM a AS b\nONBUILD ARG TRIGGER\n", dockerfile.Options{BuildArgs: args})
	equal(t, "nobody pulls the trigger", slices.Contains(f.Undeclared, "TRIGGER"), true)
}
