package builds

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// verdict is what imgaudit says of a Dockerfile without building it.
type verdict string

const (
	quiet   verdict = "quiet"   // nothing
	likely  verdict = "likely"  // does-not-build, not for certain
	certain verdict = "certain" // does-not-build, or BuildKit's own words for a file that it refuses
)

// refusals are Dockerfiles at the edge of what BuildKit builds. In their text % is the end of a line.
var refusals = []struct {
	name, text string
	builds     bool
	says       verdict // quiet where the build fails for what only a build can know
}{
	{"plain", "FROM debian%COPY a.txt /a.txt", true, quiet},
	{"stage unknown", "FROM debian%COPY --from=builder /a /a", false, likely},
	{"stage below", "FROM debian AS x%COPY --from=later /etc/passwd /p%FROM debian AS later%FROM x%COPY a.txt /", false, certain},
	{"stage below by number", "FROM debian AS x%COPY --from=1 /etc/passwd /p%FROM debian AS later%FROM x%COPY a.txt /", false, certain},
	{"stage below in a mount", "FROM debian AS x%RUN --mount=from=later,target=/l true%FROM debian AS later%FROM x%COPY a.txt /", false, certain},
	{"stage below in FROM, needed", "FROM later AS x%FROM debian AS later%FROM x%COPY a.txt /", false, likely},
	{"stages in a circle", "FROM debian AS a%COPY --from=b /etc/passwd /p%FROM debian AS b%COPY --from=a /p /q", false, certain},
	{"stage itself", "FROM debian AS self%COPY --from=self /etc/passwd /p", false, certain},
	{"stage by number, itself", "FROM debian%COPY --from=0 /etc/passwd /p", false, certain},
	{"stage by number, too high", "FROM debian%COPY --from=5 /etc/passwd /p", false, certain},
	{"stage twice", "FROM debian AS a%FROM debian AS a%COPY a.txt /a.txt%FROM a%COPY --from=a /a.txt /b.txt", true, quiet},
	{"stage name with digits first", "FROM debian AS 1a%COPY a.txt /", false, certain},
	{"mount from a stage unknown", "FROM debian%RUN --mount=type=bind,from=builder,target=/b true", false, likely},
	{"base empty", "ARG BASE%FROM $BASE", false, likely},
	{"base undeclared", "FROM $BASE", false, certain},
	{"base empty by default", "FROM ${BASE:-}", false, certain},
	{"base with a bad name", "FROM Debian", false, certain},
	{"platform empty", "FROM --platform=$NONE debian%COPY a.txt /", false, certain},
	{"platform bad", "FROM --platform=linux/ debian%COPY a.txt /", false, certain},
	{"flag unknown", "FROM debian%COPY --form=x a.txt /", false, certain},
	{"flag of CMD", "FROM debian%CMD --listen :80", false, certain},
	{"mount of unknown type", "FROM debian%RUN --mount=type=cash,target=/x true", false, certain},
	{"mount without target", "FROM debian%RUN --mount=type=cache true", false, certain},
	{"mount of a file without target", "FROM debian%RUN --mount=type=bind,source=a.txt true", false, certain},
	{"mount of memory without target", "FROM debian%RUN --mount=type=tmpfs true", false, certain},
	{"mount over all", "FROM debian%RUN --mount=type=cache,target=/ true", false, certain},
	{"mount over the working directory", "FROM debian%WORKDIR /w%RUN --mount=type=bind,target=. true", true, quiet},
	{"mount of the context", "FROM debian%WORKDIR /w%RUN --mount=type=bind true", true, quiet},
	{"mount of a missing file", "FROM debian%RUN --mount=type=bind,source=missing.txt,target=/x true%COPY a.txt /", false, certain},
	{"secret required", "FROM debian%RUN --mount=type=secret,id=none,required=true true", false, quiet},
	{"network unknown", "FROM debian%RUN --network=some true", false, certain},
	{"owner unknown on scratch", "FROM scratch%COPY --chown=app a.txt /", false, certain},
	{"owner unknown on scratch, linked", "FROM scratch%COPY --link --chown=app a.txt /", false, certain},
	{"owner by number on scratch", "FROM scratch%COPY --chown=1000:1000 a.txt /", true, quiet},
	{"owner by name on scratch with passwd", "FROM scratch%COPY passwd /etc/passwd%COPY --chown=app a.txt /", true, quiet},
	{"owner unknown on scratch, with files", "FROM scratch%COPY b.txt /%COPY --chown=app a.txt /", true, quiet},
	{"owner of a group on scratch", "FROM scratch%COPY --chown=0:app a.txt /", false, certain},
	{"owner unknown", "FROM debian%COPY --chown=nosuchuser a.txt /", true, quiet},
	{"owner linked by number", "FROM debian%COPY --link --chown=33:33 a.txt /", true, quiet},
	{"owner on scratch in another stage", "FROM scratch AS x%COPY --chown=nosuchuser a.txt /%FROM debian%COPY --from=x /a.txt /", false, certain},
	{"owner linked", "FROM debian%COPY --link --chown=www-data a.txt /", false, certain},
	{"mode bad", "FROM debian%COPY --chmod=abc a.txt /", false, certain},
	{"mode of an 8", "FROM debian%COPY --chmod=0855 a.txt /", false, certain},
	{"mode too long", "FROM debian%COPY --chmod=77777 a.txt /", false, certain},
	{"mode with a letter", "FROM debian%COPY --chmod=755x a.txt /", false, certain},
	{"mode by letters", "FROM debian%COPY --chmod=u=rwX,go=rX a.txt /", true, quiet},
	{"mode added", "FROM debian%COPY --chmod=+x a.txt /", true, quiet},
	{"mode of four", "FROM debian%COPY --chmod=1755 a.txt /", true, quiet},
	{"workdir empty", "FROM debian%WORKDIR $NONE%COPY a.txt .", true, quiet},
	{"workdir nothing", "FROM debian%WORKDIR%COPY a.txt .", false, certain},
	{"workdir over a file", "FROM debian%COPY a.txt /app%WORKDIR /app", false, certain},
	{"workdir over a program", "FROM scratch AS x%COPY a.txt /app%FROM debian%COPY --from=x /app /app%WORKDIR /app", false, quiet},
	{"file over a directory's name", "FROM debian%COPY a.txt /app%COPY b.txt /app/b.txt", false, certain},
	{"directory over a file", "FROM debian%COPY a.txt /app%COPY sub /app", false, certain},
	{"directory over a directory", "FROM debian%COPY sub /app%COPY sub /app%WORKDIR /app", true, quiet},
	{"healthcheck without command", "FROM debian%HEALTHCHECK --interval=5s", false, certain},
	{"healthcheck without unit", "FROM debian%HEALTHCHECK --interval=5 CMD true", false, certain},
	{"healthcheck of nothing", "FROM debian%HEALTHCHECK CMD", false, certain},
	{"healthcheck retries", "FROM debian%HEALTHCHECK --retries=some CMD true", false, certain},
	{"expose words", "FROM debian%EXPOSE http", false, certain},
	{"expose high", "FROM debian%EXPOSE 70000", false, certain},
	{"expose protocol", "FROM debian%EXPOSE 80/http", false, certain},
	{"expose backwards", "FROM debian%EXPOSE 90-80", false, certain},
	{"expose nothing", "FROM debian%EXPOSE $NONE", true, quiet},
	{"source missing", "FROM debian%COPY missing.txt /", false, certain},
	{"source missing, a program", "FROM debian%COPY missing /", false, likely},
	{"source pattern", "FROM debian%COPY missing*.txt /%COPY a.txt /", true, quiet},
	{"source pattern alone", "FROM debian%COPY miss*.txt none*.txt /", true, quiet},
	{"source above", "FROM debian%COPY ../a.txt /", true, quiet},
	{"source above, missing", "FROM debian%COPY ../missing.txt /", false, certain},
	{"source above, added", "FROM debian%ADD ../a.txt /", true, quiet},
	{"source excluded", "FROM debian%COPY secret.txt /", false, certain},
	{"sources to a directory without a slash", "FROM debian%COPY a.txt b.txt /c", true, quiet},
	{"source of a stage", "FROM scratch AS x%COPY a.txt /a/%FROM debian%COPY --from=x /b.txt /", false, certain},
	{"source beside one of a stage", "FROM scratch AS x%COPY a.txt /%FROM debian%COPY --from=x /b.txt /", false, quiet},
	{"run on scratch", "FROM scratch%RUN true", false, certain},
	{"run on scratch, exec form", "FROM scratch%RUN [\"/true\"]", false, certain},
	{"run on scratch, exec form, copied", "FROM scratch%COPY a.txt /true%RUN [\"/true\"]", false, quiet},
	{"run fails", "FROM debian%RUN false", false, quiet},
	{"run on scratch with a mount", "FROM scratch%RUN --mount=from=debian,target=/d [\"/d/bin/true\"]", false, quiet},
	{"user empty", "FROM debian%USER $NONE", true, quiet},
	{"user unknown at RUN", "FROM debian%USER nosuchuser%RUN true", false, quiet},
	{"user unknown", "FROM debian%USER nosuchuser%CMD [\"true\"]", true, quiet},
	{"user on scratch, copying", "FROM scratch%USER app%COPY a.txt /", true, quiet},
	{"signal unknown", "FROM debian%STOPSIGNAL SIGNONE", false, certain},
	{"signal zero", "FROM debian%STOPSIGNAL 0", false, certain},
	{"signal too high", "FROM debian%STOPSIGNAL 99", true, quiet},
	{"signal below zero", "FROM debian%STOPSIGNAL -9", true, quiet},
	{"signal of real time, too far", "FROM debian%STOPSIGNAL SIGRTMIN+16", false, certain},
	{"signal of real time, from the end", "FROM debian%STOPSIGNAL SIGRTMAX-14", true, quiet},
	{"signal of real time, too far from the end", "FROM debian%STOPSIGNAL RTMAX-15", false, certain},
	{"signal in a stage not needed", "FROM debian AS x%STOPSIGNAL SIGNONE%FROM debian%COPY a.txt /", true, quiet},
	{"signal in lower case", "FROM debian%STOPSIGNAL sigterm", true, quiet},
	{"signal without SIG", "FROM debian%STOPSIGNAL TERM", true, quiet},
	{"signal of real time", "FROM debian%STOPSIGNAL SIGRTMIN+3", true, quiet},
	{"shell without JSON", "FROM debian%SHELL /bin/sh -c", false, certain},
	{"onbuild chained", "FROM debian%ONBUILD ONBUILD RUN true", false, certain},
	{"onbuild from", "FROM debian%ONBUILD FROM debian", false, certain},
	{"env without value", "FROM debian%ENV A", false, certain},
	{"label without value", "FROM debian%LABEL A", false, certain},
	{"label of nothing", "FROM debian%LABEL", false, certain},
	{"volume of nothing", "FROM debian%VOLUME", false, certain},
	{"volume empty", "FROM debian%VOLUME [\"\"]", false, certain},
	{"copy of one word", "FROM debian%COPY a.txt", false, certain},
	{"copy from nothing", "FROM debian%COPY --from= /a /a", false, likely},
	{"copy from a variable", "FROM debian AS x%FROM debian%ARG S=x%COPY --from=$S /etc/passwd /p", false, certain},
	{"checksum of a local file", "FROM debian%ADD --checksum=sha256:aa a.txt /", false, certain},
	{"here-document without end", "FROM debian%RUN <<EOF%true", false, certain},
	{"no FROM", "RUN true", false, certain},
	{"empty", "# nothing", false, certain},
	{"instruction unknown", "FROM debian%RUNS true", false, certain},
	{"argument required", "FROM debian%ARG V%ENV W=${V:?must be given}", false, certain},
	{"substitution bad", "FROM debian%ENV W=${V", false, certain},
	{"excludes", "FROM debian%COPY --exclude=*.md . /c", true, quiet},
	{"parents", "FROM debian%COPY --parents sub/c.txt /c/", true, quiet},
}

// TestRefusals compares what imgaudit says of Dockerfiles at the edge with what BuildKit does with them.
func TestRefusals(t *testing.T) {
	l := need(t)
	files := map[string][]byte{"a.txt": []byte("a\n"), "b.txt": []byte("b\n"), "sub/c.txt": []byte("c\n"), "secret.txt": []byte("s\n"), "passwd": []byte("app:x:1000:1000::/:/bin/sh\n"), ".dockerignore": []byte("secret.txt\n")}
	dir := t.TempDir()
	root := fstest.MapFS{}
	for name, data := range files {
		write(t, dir, name, data)
		root[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	for _, c := range refusals {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			text := []byte(strings.ReplaceAll(c.text, "%", "\n") + "\n")
			words := l.build(t, lab.Build{Dockerfile: text, Context: dir, Opts: l.standInsFor("debian")}, "type=oci,dest=/dev/null")
			if built := words == ""; built != c.builds {
				t.Errorf("%q: BuildKit builds it: %v, want %v: %s", c.text, built, c.builds, short(words))
			}
			if got, because := judge(t, text, root); got != c.says {
				t.Errorf("%q: imgaudit is %s, want %s: %s\nBuildKit: %s", c.text, got, c.says, because, short(words))
			}
		})
	}
}

// standInsFor gives the named context of an image, also for a Dockerfile that does not parse.
func (l *rig) standInsFor(image string) []string {
	return []string{"--opt", "context:" + image + "=docker-image://" + l.Images[lab.StandIn(image)]}
}

// judge parses and audits without building.
func judge(t *testing.T, text []byte, root fstest.MapFS) (v verdict, because string) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", text, dockerfile.Options{})
	if err != nil {
		return certain, err.Error()
	}
	s := &audit.Subject{Dockerfile: f}
	if s.Context, err = dockerfile.NewContext(".", root, "Dockerfile"); err != nil {
		t.Fatal(err)
	}
	s.Prepare()
	v = quiet
	for _, found := range audit.Run(s, []*audit.Rule{rules.Find("does-not-build")}).Findings {
		because = found.Message
		if v = likely; found.Certainty == audit.Proven {
			return certain, because
		}
	}
	return v, because
}
