package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// forms are the forms in which BuildKit expands a variable.
var forms = []string{
	"$V", "${V}", "${V:-d}", "${V-d}", "${V:+a}", "${V+a}", "${V#1}", "${V##*.}", "${V%.*}", "${V%%.*}", "${V#*.}", "${V/./-}", "${V//./-}",
	"${E:-d}", "${E-d}", "${E:+a}", "${E+a}", "${U:-d}", "${U-d}", "${U:+a}", "${U+a}", "x${U}y", "${U:-${V}}", "${U:-\"q $V\"}", "\\$V", "\"$V\"",
	"'$V'", "$V$V", "${V?none}", "${V:?none}", "a\\ b", "\"a 'b'\"", "$1", "$@", "${V/*/x}", "${V%[0-9]}", "${V:-}",
}

// TestExpansion expands every form in every instruction that expands, and compares it with BuildKit's own expansion in
// the environment that its dispatch has there (dispatch in dockerfile2llb/convert.go).
func TestExpansion(t *testing.T) {
	last := func(f *dockerfile.File) *dockerfile.Instruction {
		s := f.Final()
		return s.Instructions[len(s.Instructions)-1]
	}
	env := shell.EnvsFromSlice([]string{"V=1.2.3", "E=", "PATH=x"})
	places := []struct {
		name, line string
		value      func(f *dockerfile.File) string
	}{
		{"ENV", "ENV X=%s", func(f *dockerfile.File) string { return f.Final().Env[0].Value }},
		{"ARG", "ARG X=%s", func(f *dockerfile.File) string { a := f.Final().Args; return a[len(a)-1].Value }},
		{"WORKDIR", "WORKDIR /w/%s", func(f *dockerfile.File) string { return strings.TrimPrefix(f.Final().WorkDir.Value, "/w/") }},
		{"USER", "USER %s", func(f *dockerfile.File) string { return f.Final().User.Value }},
		{"STOPSIGNAL", "STOPSIGNAL %s", func(f *dockerfile.File) string { return f.Final().StopSignal.Value }},
		{"COPY source", "COPY [\"%s\", \"/d\"]", func(f *dockerfile.File) string { return last(f).Copy.Sources[0] }},
		{"ADD destination", "ADD [\"s\", \"/d/%s\"]", func(f *dockerfile.File) string { return strings.TrimPrefix(last(f).Copy.Dest, "/d/") }},
		{"COPY --chown", "COPY --chown=%s s /d", func(f *dockerfile.File) string { return last(f).Copy.Chown }},
		{"mount", "RUN --mount=type=cache,target=/c,id=%s x", func(f *dockerfile.File) string { return last(f).Run.Mounts[0].ID }},
	}
	for _, place := range places {
		for _, form := range forms {
			if strings.ContainsAny(form, " \"'") && strings.Contains(place.line, "--") || strings.ContainsAny(form, "\"\\") && strings.Contains(place.line, "[") ||
				strings.Contains(form, "\\") && strings.Contains(place.line, "--") {
				continue // the flag or the array ends there
			}
			src := "FROM scratch\nARG V=1.2.3\nARG E=\n" + fmt.Sprintf(place.line, form) + "\n"
			want, err := shell.NewLex('\\').ProcessWordWithMatches(form, env)
			if err != nil {
				t.Fatal(err)
			}
			f, err := dockerfile.Parse("Dockerfile", []byte(src), dockerfile.Options{})
			switch {
			case err != nil:
				t.Errorf("%s %s: %v", place.name, form, err)
			case (place.name == "WORKDIR" || place.name == "ADD destination") && want.Result == "":
			default:
				equal(t, place.name+" "+form, place.value(f), want.Result)
			}
		}
	}
}

// TestNotExpanded: what the shell, the container or the consumer of the image expands stays as it is.
func TestNotExpanded(t *testing.T) {
	f := mustParse(t, `FROM scratch
ARG V=1
SHELL ["/bin/$V", "-c"]
RUN echo $V ${V:-x}
RUN ["echo", "$V"]
CMD run $V
ENTRYPOINT ["/app", "$V"]
HEALTHCHECK CMD check $V
ONBUILD USER $V
MAINTAINER $V
`)
	s := f.Final()
	equal(t, "shell", s.Shell.Words[0], "/bin/$V")
	equal(t, "run", s.Instructions[2].Run.Script, "echo $V ${V:-x}")
	equal(t, "exec", s.Instructions[3].Run.Exec[1], "$V")
	equal(t, "cmd", s.Cmd.Words[0], "run $V")
	equal(t, "entrypoint", s.Entrypoint.Words[1], "$V")
	equal(t, "healthcheck", s.Healthcheck.Words[0], "check $V")
	equal(t, "trigger", s.Instructions[7].OnBuild, "USER $V")
	equal(t, "refused", s.User.Value, "")
}

// TestBadExpansion: BuildKit refuses it in the instructions that expand, and takes it in the others.
func TestBadExpansion(t *testing.T) {
	for _, line := range []string{
		"ENV A=%s", "ARG A=%s", "LABEL a=%s", "WORKDIR /%s", "USER %s", "STOPSIGNAL %s", "EXPOSE %s", "VOLUME %s", "COPY %s /x", "ADD a %s",
		"COPY --chown=%s a b", "COPY --chmod=%s a b", "ADD --checksum=%s https://127.0.0.1/x /x", "COPY <<E /x\n%s\nE",
		"RUN --mount=type=cache,target=%s x", "ONBUILD USER %s\nFROM b",
	} {
		for _, bad := range []string{"${}", "${V", "${V?needed}", "${V!x}"} {
			src := "FROM scratch AS b\n" + fmt.Sprintf(line, bad) + "\n"
			if _, err := dockerfile.Parse("Dockerfile", []byte(src), dockerfile.Options{}); err == nil {
				t.Errorf("%q is accepted", src)
			}
		}
	}
	for _, line := range []string{"RUN x %s", "CMD x %s", "ENTRYPOINT x %s", "HEALTHCHECK CMD x %s", "SHELL [\"%s\"]", "ONBUILD USER %s", "COPY <<'E' /x\n%s\nE"} {
		mustParse(t, "FROM scratch\n"+fmt.Sprintf(line, "${}")+"\n")
	}
}

// TestPredefined: the arguments that BuildKit defines for each platform, and that a stage must declare to see.
func TestPredefined(t *testing.T) {
	tests := []struct{ platform, want string }{
		{"", "linux/amd64 linux amd64  linux/amd64 linux amd64 "},
		{"linux/amd64", "linux/amd64 linux amd64  linux/amd64 linux amd64 "},
		{"linux/arm64/v8", "linux/arm64 linux arm64  linux/arm64 linux arm64 "},
		{"linux/arm", "linux/arm/v7 linux arm v7 linux/arm/v7 linux arm v7"},
		{"linux/arm/v6", "linux/arm/v6 linux arm v6 linux/arm/v6 linux arm v6"},
		{"linux/amd64/v3", "linux/amd64/v3 linux amd64 v3 linux/amd64/v3 linux amd64 v3"},
		{"linux/riscv64", "linux/riscv64 linux riscv64  linux/riscv64 linux riscv64 "},
		{"Linux/aarch64", "linux/arm64 linux arm64  linux/arm64 linux arm64 "},
		{"windows/amd64", "windows/amd64 windows amd64  windows/amd64 windows amd64 "},
	}
	for _, tt := range tests {
		f := mustParse(t, "FROM scratch\nARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDOS BUILDARCH BUILDVARIANT\n"+
			"USER $TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT $BUILDPLATFORM $BUILDOS $BUILDARCH $BUILDVARIANT\n", dockerfile.Options{Platform: tt.platform})
		equal(t, tt.platform, f.Final().User.Value, tt.want)
	}
	opt := dockerfile.Options{BuildArgs: map[string]string{
		"TARGETARCH": "mine", "HTTP_PROXY": "p", "SOURCE_DATE_EPOCH": "0", "BUILDKIT_SANDBOX_HOSTNAME": "h",
	}}
	f := mustParse(t, "FROM scratch\nARG TARGETARCH HTTP_PROXY SOURCE_DATE_EPOCH BUILDKIT_SANDBOX_HOSTNAME https_proxy=d\n"+
		"USER $TARGETARCH$HTTP_PROXY$SOURCE_DATE_EPOCH$BUILDKIT_SANDBOX_HOSTNAME$https_proxy\n", opt)
	equal(t, "given", f.Final().User.Value, "minep0hd")
	f = mustParse(t, "FROM scratch\nUSER u$TARGETARCH$HTTP_PROXY$SOURCE_DATE_EPOCH\n", opt)
	equal(t, "not declared", f.Final().User.Value, "u")
}
