package builds

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// reproduced is a Dockerfile that is built twice, and what must then be found.
type reproduced struct {
	name  string
	file  string            // Dockerfile
	files map[string]string // of the context, beside main.go and go.mod
	same  bool
	// path, cause and line of a difference that must be among them; what, if not "".
	what, path string
	cause      audit.DiffCause
	line       int
	only       bool // nothing else may differ but what follows from it

	repository bool                                  // the context is a clone, with its .git
	buildah    bool                                  // builds, in BuildKit's place
	before     func(l *rig, t *testing.T, build int) // is called before each build, 1 and 2
}

// moving is an image of the lab's registry whose tag is moved between two builds.
func moving(name string) string { return "127.0.0.1:REGISTRY/moving/" + name + ":latest" }

// move builds an image and moves a tag to it.
func (l *rig) move(t *testing.T, name, file string) {
	t.Helper()
	ref := l.here(moving(name))
	output := "type=image,name=" + ref + ",push=true,registry.insecure=true,oci-mediatypes=true"
	if words := l.build(t, lab.Build{Dockerfile: []byte(file), Context: t.TempDir()}, output); words != "" {
		t.Fatalf("moving %s: %s", ref, words)
	}
}

// here puts the lab's registry in its place in a text.
func (l *rig) here(text string) string {
	return strings.ReplaceAll(text, "127.0.0.1:REGISTRY", l.Registry)
}

// uses is a program of a module that was made up.
const uses = "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Version) }\n"

const goMain = "package main\n\nimport \"fmt\"\n\nvar date = \"none\"\n\nfunc main() { fmt.Println(date) }\n"

const goBuilder = "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\n"

// reproducedFiles are Dockerfiles that give another image each time for one known reason, and some that do not.
var reproducedFiles = []reproduced{
	{name: "trimmed", same: true, file: goBuilder + "RUN CGO_ENABLED=0 go build -trimpath -o /app .\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n"},
	{name: "not trimmed, but always in the same directory", same: true, file: goBuilder + "RUN CGO_ENABLED=0 go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\n"},
	{name: "files of the context", same: true, file: "FROM busybox\nCOPY . /data\nRUN chmod -R a+r /data && ln -s /data /srv && cp -r /data /copy\n"},
	{name: "the epoch is taken for the date", same: true, file: "FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN date -u -d @$SOURCE_DATE_EPOCH >/built\n"},
	{name: "a date in a file", file: "FROM busybox\nRUN echo one >/one\nRUN date >/built\n", what: "content", path: "/built", cause: audit.CauseTime, line: 3, only: true},
	{name: "seconds in a file", file: "FROM busybox\nRUN echo built=$(date +%s) >/built\n", what: "content", path: "/built", cause: audit.CauseTime, line: 2, only: true},
	{name: "seconds in a name", file: "FROM busybox\nRUN touch /built-$(date +%s)\n", what: "name", cause: audit.CauseTime, line: 2, only: true},
	{name: "a date that is linked", file: goBuilder + "RUN CGO_ENABLED=0 go build -trimpath -ldflags \"-X main.date=$(date -u +%Y-%m-%dT%H:%M:%SZ)\" -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseLinkedTime, line: 4, only: true},
	{name: "seconds that are linked, and recorded", file: goBuilder + "RUN CGO_ENABLED=0 go build -ldflags \"-X main.date=$(date +%s)\" -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseLinkedTime, line: 4, only: true},
	{name: "another directory each time", file: goBuilder + "RUN d=$(mktemp -d) && cp main.go go.mod $d && cd $d && CGO_ENABLED=0 go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseBuildPath, line: 4, only: true},
	{name: "another build ID", file: goBuilder + "RUN CGO_ENABLED=0 go build -trimpath -ldflags \"-buildid=$(cat /proc/sys/kernel/random/uuid)\" -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseBuildID, line: 4, only: true},
	{name: "a temporary directory", file: "FROM busybox\nRUN echo x >$(mktemp -d)/x\n", what: "name", cause: audit.CauseRandom, line: 2, only: true},
	{name: "a key", file: "FROM busybox\nRUN head -c 32 /dev/urandom >/key\n", what: "content", path: "/key", cause: audit.CauseRandom, line: 2, only: true},
	{name: "an identifier", file: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/etc/id\n", what: "content", path: "/etc/id", cause: audit.CauseRandom, line: 2, only: true},
	{name: "a map", file: goBuilder + "RUN go run ./gen >/list\nFROM scratch\nCOPY --from=build /list /list\n",
		files: map[string]string{"gen/main.go": "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tm := map[int]bool{}\n\tfor i := 0; i < 500; i++ {\n\t\tm[i] = true\n\t}\n\tfor k := range m {\n\t\tfmt.Println(\"line\", k)\n\t}\n}\n"},
		what:  "content", path: "/list", cause: audit.CauseOrder, line: 4, only: true},
	{name: "a log of the package manager", file: "FROM debian:12-slim\nRUN mkdir -p /var/log/apt && date >/var/log/dpkg.log && date >/var/log/apt/history.log\n", what: "content", path: "/var/log/dpkg.log", cause: audit.CausePackages, line: 2, only: true},
	{name: "ldconfig's cache", file: "FROM debian:12-slim\nRUN mkdir -p /x && cp /bin/true /x/ && cp -L /lib/*-linux-gnu/libc.so.6 /x/libc-$(date +%s).so.6 && ldconfig /x && rm -r /x\n", what: "content", path: "/var/cache/ldconfig/aux-cache", cause: audit.CausePackages, line: 2},
	{name: "a mode", file: "FROM busybox\nRUN touch /x && chmod $(printf %o $(($(date +%s) % 512))) /x\n", what: "mode", path: "/x", cause: audit.CauseUnknown, line: 2, only: true},
	{name: "an owner", file: "FROM busybox\nRUN touch /x && chown $(($(date +%s) % 60000)) /x\n", what: "owner", path: "/x", cause: audit.CauseUnknown, line: 2, only: true},
	{name: "a commit", same: true, repository: true, file: goBuilder + "RUN CGO_ENABLED=0 go build -trimpath -buildvcs=true -o /app . && go version -m /app | grep -q vcs.revision\nFROM scratch\nCOPY --from=build /app /app\n"},
	{name: "a commit of the build", repository: true, file: goBuilder + "RUN git -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m release\nRUN CGO_ENABLED=0 go build -trimpath -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseVCS, line: 5, only: true},
	{name: "another version of a module", file: goBuilder + "RUN go get example.com/lib@v1.$(date +%s).0\nRUN CGO_ENABLED=0 go build -trimpath -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		files: map[string]string{"main.go": uses}, what: "content", path: "/app", cause: audit.CauseModules, line: 5, only: true},
	{name: "another tag of go build", file: goBuilder + "RUN CGO_ENABLED=0 go build -trimpath -tags=t$(cut -c1-8 /proc/sys/kernel/random/uuid) -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
		what: "content", path: "/app", cause: audit.CauseSettings, line: 4, only: true},
	{name: "what a cache mount keeps", file: "FROM busybox\nRUN --mount=type=cache,target=/kept [ -e /kept/id ] || cat /proc/sys/kernel/random/uuid >/kept/id; cp /kept/id /id\n",
		what: "content", path: "/id", cause: audit.CauseRandom, line: 2, only: true},
	{name: "what a cache mount keeps, by buildah", buildah: true, file: "FROM busybox\nRUN --mount=type=cache,target=/kept [ -e /kept/id ] || cat /proc/sys/kernel/random/uuid >/kept/id; cp /kept/id /id\n",
		what: "content", path: "/id", cause: audit.CauseRandom, line: 2, only: true},
	{name: "the step before", buildah: true, file: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/id\nRUN true >/empty\n",
		what: "config", path: "history.2.comment", cause: audit.CauseFollows},
	{name: "a base image that moved", file: "FROM " + moving("base") + "\nRUN echo x >/x\n",
		before: func(l *rig, t *testing.T, build int) {
			l.move(t, "base", fmt.Sprintf("FROM busybox\nRUN echo release %d >/release\n", build))
		},
		what: "layer", cause: audit.CauseBase, line: 1, only: true},
	{name: "a link", file: "FROM busybox\nRUN ln -s /releases/$(date +%s) /current\n", what: "link", path: "/current", cause: audit.CauseTime, line: 2, only: true},
}

// TestReproducible builds each of them twice.
func TestReproducible(t *testing.T) {
	l := need(t)
	t.Setenv("BUILDKIT_HOST", l.Socket)
	for _, c := range reproducedFiles {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "main.go", []byte(goMain))
			write(t, dir, "go.mod", []byte("module app\n\ngo 1.21\n"))
			for name, text := range c.files {
				write(t, dir, name, []byte(text))
			}
			if c.repository {
				makeRepository(t, dir)
			}
			r := l.twice(t, dir, c)
			if r.Failed != "" {
				t.Fatal(r.Failed)
			}
			t.Log(prove.Summary(r))
			found := false
			for _, d := range r.Differs {
				line := 0
				if d.Location != nil {
					line = d.Location.Line
				}
				t.Logf("%s %s: %s %q %q: %s, line %d, %v", d.What, d.Path, d.Cause, d.First, d.Second, d.Because, line, d.Sections)
				this := d.What == c.what && (c.path == "" || c.path == d.Path) && d.Cause == c.cause && line == c.line
				found = found || this
				if c.only && !this && d.Cause != c.cause && d.Cause != audit.CauseFollows {
					t.Errorf("differs too: %s %s", d.What, d.Path)
				}
			}
			if r.Same != c.same {
				t.Fatalf("same: %v, want %v: %v", r.Same, c.same, r.Digests)
			}
			if !c.same && !found {
				t.Errorf("%s of %s by %s at line %d was not found", c.what, c.path, c.cause, c.line)
			}
		})
	}
}

// TestReproducibleSparesCacheMounts: the user's cache mounts keep what they have, and the builds leave none.
func TestReproducibleSparesCacheMounts(t *testing.T) {
	l := need(t)
	t.Setenv("BUILDKIT_HOST", l.Socket)
	keep := func(n string) string {
		return "FROM busybox AS made\nRUN --mount=type=cache,id=spared,target=/kept echo " + n + "; [ -e /kept/id ] || cat /proc/sys/kernel/random/uuid >/kept/id; cp /kept/id /id\n" +
			"FROM scratch\nCOPY --from=made /id /id\n"
	}
	kept := func(n string) string {
		dir := t.TempDir()
		if words := l.build(t, lab.Build{Dockerfile: []byte(keep(n)), Context: t.TempDir()}, "type=local,dest="+dir); words != "" {
			t.Fatal(words)
		}
		id, err := os.ReadFile(filepath.Join(dir, "id"))
		if err != nil {
			t.Fatal(err)
		}
		return string(id)
	}
	run := fmt.Sprint(time.Now().UnixNano())
	before := kept(run + "a")
	if again := kept(run + "b"); again != before {
		t.Fatalf("a cache mount keeps nothing: %s %s", before, again)
	}
	if r := l.twice(t, t.TempDir(), reproduced{file: keep(run)}); r.Same || r.Failed != "" {
		t.Errorf("same %v, failed %q", r.Same, r.Failed)
	}
	if after := kept(run + "c"); after != before {
		t.Errorf("the user's cache mount had %s and has %s", before, after)
	}
	if used, err := l.Buildctl("du", "-v").Output(); err != nil || strings.Contains(string(used), "imgaudit-prove-") {
		t.Errorf("the builds left a cache mount: %v", err)
	}
}

// twice proves a Dockerfile with a context reproducible, or not.
func (l *rig) twice(t *testing.T, dir string, c reproduced) *audit.Reproducible {
	t.Helper()
	text := l.here(c.file)
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b := prove.Build{Dockerfile: []byte(text), Context: dir, Contexts: map[string]string{}}
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts, unknown := l.Contexts(f)
	if len(unknown) > 0 {
		t.Fatalf("no stand-in for %v", unknown)
	}
	for _, opt := range opts {
		if named, ok := strings.CutPrefix(opt, "context:"); ok {
			name, ref, _ := strings.Cut(named, "=")
			b.Contexts[name] = ref
		}
	}
	engine := &prove.Engine{Kind: prove.BuildKit, Path: filepath.Join(l.Work, "bin/buildctl")}
	if c.buildah {
		engine = &prove.Engine{Kind: prove.Buildah, Path: "buildah"}
		for name, value := range l.storage() {
			t.Setenv(name, value)
		}
	}
	builds := 0
	p, err := prove.Reproduce(t.Context(), prove.Twice{
		Engine: engine, Build: b,
		Progress: func(line string) {
			if strings.HasPrefix(line, "build ") && strings.Contains(line, " of 2 with ") {
				if builds++; c.before != nil {
					c.before(l, t, builds)
				}
			}
		},
		Audit: func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
			all, err := target.Subjects(ctx, []string{"oci-archive:" + archive}, target.Options{Dockerfile: file, Context: dir, Now: time.Now()})
			if err != nil {
				return nil, nil, err
			}
			return all[0], audit.Run(all[0], rules.All()), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Reproducible
}
