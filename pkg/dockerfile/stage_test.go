package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

func TestBase(t *testing.T) {
	tests := []struct{ name, src, base, platform string }{
		{"plain", "FROM golang:1.22\n", "golang:1.22", ""},
		{"default", "ARG V=1.22\nFROM golang:${V}\n", "golang:1.22", ""},
		{"quoted default", "ARG V=\"1.22\"\nFROM golang:$V\n", "golang:1.22", ""},
		{"default in the word", "ARG V\nFROM golang:${V:-1.20}\n", "golang:1.20", ""},
		{"nested", "ARG A=go\nARG B=${A}lang\nFROM ${B}\n", "golang", ""},
		{"alternative", "ARG D=1\nFROM golang:1${D:+-alpine}\n", "golang:1-alpine", ""},
		{"prefix and suffix", "ARG V=v1.22.3\nARG W=${V#v}\nFROM golang:${W%.*}\n", "golang:1.22", ""},
		{"replacement", "ARG V=1_22\nFROM golang:${V//_/.}\n", "golang:1.22", ""},
		{"build argument", "ARG GIVEN=x\nFROM a:$GIVEN\n", "a:given", ""},
		{"build argument without default", "ARG GIVEN\nFROM a:$GIVEN\n", "a:given", ""},
		{"argument not given", "ARG V\nFROM golang:$V\n", "", ""},
		{"depends on one not given", "ARG V\nARG W=$V-alpine\nFROM golang:$W\n", "", ""},
		{"not needed", "ARG V\nARG A=x\nFROM golang:${A:-$V}\n", "golang:x", ""},
		{"empty where undeclared", "FROM golang${S}\n", "golang", ""},
		{"not declared, so not given", "FROM golang${GIVEN}\n", "golang", ""},
		{"predefined", "FROM --platform=$BUILDPLATFORM golang:1-${TARGETARCH}\n", "golang:1-arm64", "linux/arm64"},
		{"stage of the target", "FROM a-${TARGETSTAGE}\n", "a-default", ""},
		{"registry", "FROM localhost:5000/A/b\n", "", ""},
		{"registry with port", "FROM localhost:5000/a/b:T@sha256:" + strings.Repeat("0", 64) + "\n", "localhost:5000/a/b:T@sha256:" + strings.Repeat("0", 64), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := dockerfile.Options{BuildArgs: map[string]string{"GIVEN": "given"}, Platform: "linux/aarch64/v8"}
			f, err := dockerfile.Parse("Dockerfile", []byte(tt.src), opt)
			if err != nil {
				if tt.name != "registry" {
					t.Fatal(err)
				}
				return
			}
			equal(t, "base", f.Stages[0].Base, tt.base)
			equal(t, "platform", f.Stages[0].Platform, tt.platform)
		})
	}
}

func TestStageGraph(t *testing.T) {
	f := mustParse(t, `FROM golang AS Alpine
FROM alpine AS mid
COPY --from=ALPINE /a /b
FROM busybox
COPY --from=1 /c /d
FROM scratch AS unused
COPY --from=alpine /x /y
FROM mid AS last
COPY --from=other/image /e /f
RUN --mount=type=bind,from=2,target=/m --mount=from=alpine,target=/n true
`)
	s := f.Stages
	equal(t, "a stage shadows an image", s[1].Parent, s[0])
	equal(t, "name", s[0].Name, "alpine")
	equal(t, "name in any case", s[1].Instructions[0].Copy.From, s[0])
	equal(t, "index", s[2].Instructions[0].Copy.From, s[1])
	equal(t, "image", s[4].Instructions[0].Copy.FromImage, "other/image")
	equal(t, "image is no stage", s[4].Instructions[0].Copy.From == nil, true)
	equal(t, "root", s[4].Root(), s[0])
	equal(t, "scratch", s[3].Scratch(), true)
	equal(t, "final", f.Final(), s[4])
	for k, want := range []bool{true, true, false, false, true} {
		equal(t, fmt.Sprint("reachable ", k), f.Reachable(s[k]), want)
	}
	f = mustParse(t, string(f.Source), dockerfile.Options{Target: "UNUSED"})
	equal(t, "target", f.Final().Name, "unused")
	equal(t, "reachable from the target", f.Reachable(f.Stages[4]), false)
	equal(t, "stage span", strings.Count(f.Text(f.Stages[4].Span), "\n"), 2)
}

func TestMountMakesReachable(t *testing.T) {
	f := mustParse(t, "FROM a AS deps\nFROM b AS tools\nFROM c\nRUN --mount=type=bind,from=deps,target=/d x\n")
	equal(t, "mount", f.Reachable(f.Stages[0]), true)
	equal(t, "nothing", f.Reachable(f.Stages[1]), false)
	f = mustParse(t, "FROM a AS dep\nFROM b AS base\nONBUILD COPY --from=dep /x /y\nFROM base\n")
	equal(t, "trigger", f.Reachable(f.Stages[0]), true)
}

// variables lists variables as KEY=value, KEY? if the value is not known.
func variables(vars []dockerfile.EnvVar) string {
	var out []string
	for _, v := range vars {
		if v.Known {
			out = append(out, v.Key+"="+v.Value)
		} else {
			out = append(out, v.Key+"?"+v.Value)
		}
	}
	return strings.Join(out, " ")
}

func TestVariables(t *testing.T) {
	tests := []struct{ name, src, env, args string }{
		{"in order, set again", "FROM a\nENV A=1 B=2\nENV A=3\n", "A=3 B=2", ""},
		{"all at once", "FROM a\nENV A=1\nENV A=2 B=$A\n", "A=2 B=1", ""},
		{"of the base image", "FROM a\nENV PATH=$PATH:/x HOMEX=${HOME:-/y} Q='$HOME'\n", "PATH? HOMEX? Q=$HOME", ""},
		{"of an unknown one", "FROM a\nENV A=$HOME\nENV B=x$A\n", "A? B?", ""},
		{"nothing below scratch", "FROM scratch\nENV P=$PATH:/x N=${NO:-n}$NO\n", "P=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/x N=n", ""},
		{"ARG without value", "FROM a\nARG V\nENV A=$V B=${V:-d} C=${V+x}\n", "A? B=d C=", "V?"},
		{"ARG given", "FROM a\nARG GIVEN=1\nENV A=$GIVEN\n", "A=given", "GIVEN=given"},
		{"global ARG is not in scope", "ARG G=1\nFROM scratch\nENV A=x$G\n", "A=x", ""},
		{"global ARG declared again", "ARG G=1\nFROM a\nARG G\nENV A=x$G\n", "A=x1", "G=1"},
		{"platform not declared", "FROM scratch\nENV A=x$TARGETARCH\n", "A=x", ""},
		{"platform declared", "FROM a\nARG TARGETARCH TARGETVARIANT\nENV A=$TARGETARCH${TARGETVARIANT#v}\n", "A=arm7", "TARGETARCH=arm TARGETVARIANT=v7"},
		{"inherited", "FROM a AS b\nARG X=1\nENV A=1\nFROM b\nENV B=$X$A\n", "A=1 B=11", "X=1"},
		{"ENV wins below", "FROM a AS b\nENV X=1\nARG X=2\nENV Y=$X\nFROM b\nENV Z=$X\n", "X=1 Y=2 Z=1", "X=2"},
		{"ENV hides an empty ARG", "FROM a\nENV X=1\nARG X\nENV Y=$X\n", "X=1 Y=1", "X=1"},
		{"escaped", "FROM a\nENV A=\\$HOME B=\"\\$X\"\n", "A=$HOME B=$X", ""},
		{"growing", "FROM a\nENV A=" + strings.Repeat("x", 100) + "\n" + strings.Repeat("ENV A=$A$A$A$A\n", 40), "A?", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, tt.src, dockerfile.Options{BuildArgs: map[string]string{"GIVEN": "given"}, Platform: "linux/arm"})
			equal(t, "env", variables(f.Final().Env), tt.env)
			equal(t, "args", variables(f.Final().Args), tt.args)
		})
	}
}

func TestVariableSpans(t *testing.T) {
	f := mustParse(t, "FROM a AS b\nENV A=1 \\\n  B=\"x y\" C=\nENV old  some text\nARG D=4 E\nFROM b\n")
	s := f.Stages[1]
	var got []string
	for _, v := range append(s.Env, s.Args...) {
		got = append(got, f.Text(v.Span)+" > "+f.Text(v.ValueSpan))
	}
	equal(t, "spans", strings.Join(got, "\n"), "A=1 > 1\nB=\"x y\" > \"x y\"\nC= > \nold  some text > some text\nD=4 > 4\nE > ")
	equal(t, "by", s.Env[0].By, f.Stages[0].Instructions[0])
}

func TestSettings(t *testing.T) {
	show := func(s dockerfile.Setting) string { return fmt.Sprint(s.Value, " ", s.Known, " ", s.By != nil) }
	tests := []struct{ name, src, user, workdir string }{
		{"nothing", "FROM a\n", " false false", " false false"},
		{"set", "FROM a\nUSER 1\nWORKDIR /x\nWORKDIR y/../z/\n", "1 true true", "/x/z true true"},
		{"inherited", "FROM a AS b\nUSER 1\nWORKDIR /x\nFROM b\nWORKDIR y\n", "1 true true", "/x/y true true"},
		{"relative to the image's", "FROM a\nWORKDIR y\nUSER $U\n", " false true", " false true"},
		{"relative to nothing", "FROM scratch\nWORKDIR y\nUSER u$U\n", "u true true", "/y true true"},
		{"variable", "FROM a\nARG U=7\nUSER ${U}:${G:-$U}\nENV D=/d\nWORKDIR $D\n", " false true", "/d true true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, tt.src)
			equal(t, "user", show(f.Final().User), tt.user)
			equal(t, "workdir", show(f.Final().WorkDir), tt.workdir)
		})
	}
}

func TestCommands(t *testing.T) {
	show := func(c dockerfile.Command) string {
		if c.By == nil {
			return "unset"
		}
		return fmt.Sprint(c.Exec, c.None, " ", strings.Join(c.Words, "|"), " ", c.By.Keyword)
	}
	tests := []struct{ name, src, entrypoint, cmd, health, shell string }{
		{"nothing", "FROM a\n", "unset", "unset", "unset", "unset"},
		{"exec", "FROM a\nENTRYPOINT [\"/a\"]\nCMD [\"b\", \"c\"]\nHEALTHCHECK CMD [\"h\"]\n", "true false /a ENTRYPOINT", "true false b|c CMD", "true false h HEALTHCHECK", "unset"},
		{"shell", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nENTRYPOINT a $b\nCMD c\nHEALTHCHECK CMD h || exit 1\n", "false false a $b ENTRYPOINT", "false false c CMD", "false false h || exit 1 HEALTHCHECK", "true false /bin/bash|-c SHELL"},
		{"ENTRYPOINT clears the CMD below", "FROM a AS b\nCMD [\"c\"]\nFROM b\nENTRYPOINT [\"e\"]\n", "true false e ENTRYPOINT", "true false  ENTRYPOINT", "unset", "unset"},
		{"but not the stage's own", "FROM a AS b\nCMD [\"c\"]\nFROM b\nCMD [\"d\"]\nENTRYPOINT [\"e\"]\n", "true false e ENTRYPOINT", "true false d CMD", "unset", "unset"},
		{"last one counts", "FROM a\nHEALTHCHECK CMD x\nHEALTHCHECK NONE\nCMD a\nCMD [\"b\"]\n", "unset", "true false b CMD", "false true  HEALTHCHECK", "unset"},
		{"empty", "FROM a\nENTRYPOINT []\nCMD\n", "true false  ENTRYPOINT", "false false  CMD", "unset", "unset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustParse(t, tt.src).Final()
			equal(t, "entrypoint", show(s.Entrypoint), tt.entrypoint)
			equal(t, "cmd", show(s.Cmd), tt.cmd)
			equal(t, "healthcheck", show(s.Healthcheck), tt.health)
			equal(t, "shell", show(s.Shell), tt.shell)
		})
	}
}

func TestCopy(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"file", "FROM a\nCOPY a /b\n", "[a] /b false true  "},
		{"directory", "FROM a\nCOPY a /b/\n", "[a] /b true true  "},
		{"several", "FROM a\nCOPY a b /c\n", "[a b] /c true true  "},
		{"relative", "FROM a\nWORKDIR /w\nCOPY . .\n", "[.] /w true true  "},
		{"relative file", "FROM a\nWORKDIR /w\nCOPY a ./b\n", "[a] /w/b false true  "},
		{"relative to the image's", "FROM a\nCOPY . .\n", "[.]  true false  "},
		{"variables", "FROM a\nARG D=/d S=s\nCOPY --chown=$S:$S --chmod=0${U:-755} $S $D/\n", "[s] /d true true s:s "},
		{"unknown", "FROM a\nCOPY $HOME/x /y\n", "[] /y false false  "},
		{"heredoc", "FROM a\nCOPY <<A b /c\nx\nA\n", "[b] /c true true  "},
		{"excludes", "FROM a\nADD --exclude=*.md --exclude=b c /d\n", "[c] /d false true  "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustParse(t, tt.src).Final()
			c := s.Instructions[len(s.Instructions)-1].Copy
			equal(t, "copy", fmt.Sprint(c.Sources, " ", c.Dest, " ", c.DestDir, " ", c.Known, " ", c.Chown, " ", c.Chmod), tt.want)
		})
	}
	c := mustParse(t, "FROM a\nADD --exclude=*.md --exclude=b c /d\n").Final().Instructions[0].Copy
	equal(t, "excludes", strings.Join(c.Excludes, " "), "*.md b")
}

func TestMounts(t *testing.T) {
	f := mustParse(t, `FROM a
ARG ID=key
RUN --mount=type=cache,target=/root/.cache,id=$ID \
    --mount=type=secret,id=tok,env=TOKEN --network=none \
    --mount=type=bind,from=b,source=/s,dst=/t \
    --mount=type=tmpfs,target=/tmp --mount=type=ssh x
`)
	in := f.Final().Instructions[1]
	var got []string
	for _, m := range in.Run.Mounts {
		got = append(got, strings.Join([]string{m.Type, m.Target, m.Source, m.From, m.ID, m.Env, f.Text(m.Span)}, " "))
	}
	equal(t, "mounts", strings.Join(got, "\n"), `cache /root/.cache   key  --mount=type=cache,target=/root/.cache,id=$ID
secret    tok TOKEN --mount=type=secret,id=tok,env=TOKEN
bind /t /s b   --mount=type=bind,from=b,source=/s,dst=/t
tmpfs /tmp     --mount=type=tmpfs,target=/tmp
ssh      --mount=type=ssh`)
	equal(t, "flags", len(in.Flags), 6)
}
