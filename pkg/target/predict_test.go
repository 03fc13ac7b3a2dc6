package target_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// predicted foretells the image of the Dockerfile in a txtar text, whose other files are its context.
func predicted(t *testing.T, text string, opt target.Options) *audit.Subject {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		at := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opt.Predict = true
	subjects, err := target.Subjects(t.Context(), []string{dir}, opt)
	if err != nil || len(subjects) != 1 {
		t.Fatal(subjects, err)
	}
	return subjects[0]
}

// describe gives a tree in one line each, directories that nobody stated left out.
func describe(tree *layers.FS) string {
	var lines []string
	_ = tree.Walk(func(e *layers.Entry) error {
		if e.Layer >= 0 {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %d:%d %s %s", e.Layer, e.Mode, e.UID, e.GID, e.Path, e.Link)))
		}
		return nil
	})
	return strings.Join(lines, "\n")
}

// base is an image in a registry of this process, with a shell that nobody runs.
func base(t *testing.T) string {
	t.Helper()
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/base:1", imagetest.Image{
		Config: layers.Config{Env: []string{"PATH=/bin", "X=base"}, User: "app", WorkingDir: "/home/app", Cmd: []string{"old"}},
		Layers: [][]layers.File{{
			{Path: "bin/sh", Mode: 0o755, Data: []byte("sh")}, {Path: "bin/mkdir", Mode: 0o755, Data: []byte("mkdir")}, {Path: "sbin", Link: "bin"},
			{Path: "etc/passwd", Data: []byte("root:x:0:0::/:/bin/sh\napp:x:7:8::/home/app:/bin/sh\n")}, {Path: "etc/group", Data: []byte("staff:x:50:\n")},
			{Path: "home/app/", Mode: fs.ModeDir | 0o700, UID: 7, GID: 8},
		}}}.Build(t))
	return host
}

// TestPredict holds what a Dockerfile comes to, file by file.
func TestPredict(t *testing.T) {
	host := base(t)
	s := predicted(t, `
-- Dockerfile --
ARG HOST
FROM ${HOST}/base:1 AS files
COPY --chown=app a /sbin/a
FROM ${HOST}/base:1
ENV X=${X}-more Y=1
WORKDIR data
COPY a b/
COPY --from=files /sbin/a /bin/*sh ./
USER root
RUN mkdir -p /tmp && mkdir -m 1777 /tmp/x
ENTRYPOINT run
-- a --
a
`, target.Options{BuildArgs: map[string]string{"HOST": host}})
	if s.Image == nil || s.Image.FS == nil {
		t.Fatal(s.Unpredicted, s.Unread)
	}
	want := `0 -rwxr-xr-x 0:0 /bin/mkdir
0 -rwxr-xr-x 0:0 /bin/sh
0 -rw-r--r-- 0:0 /etc/group
0 -rw-r--r-- 0:0 /etc/passwd
3 drwxr-xr-x 0:0 /home
3 drwx------ 7:8 /home/app
3 drwxr-xr-x 7:8 /home/app/data
3 -rw-r--r-- 7:8 /home/app/data/a
2 drwxr-xr-x 0:0 /home/app/data/b
2 -rw-r--r-- 0:0 /home/app/data/b/a
3 -rwxr-xr-x 0:0 /home/app/data/sh
0 Lrwxrwxrwx 0:0 /sbin bin
4 drwxr-xr-x 0:0 /tmp
4 dtrwxrwxrwx 0:0 /tmp/x`
	if got := describe(s.Image.FS); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c := s.Image.Config
	if !slices.Equal(c.Env, []string{"PATH=/bin", "X=base-more", "Y=1"}) || c.User != "root" || c.WorkingDir != "/home/app/data" ||
		!slices.Equal(c.Entrypoint, []string{"/bin/sh", "-c", "run"}) || c.Cmd != nil || !s.Image.Predicted {
		t.Errorf("%+v", c)
	}
	if cause := s.BlamePath("/tmp/x"); cause.Location == nil || cause.Location.Line != 10 {
		t.Errorf("%+v", cause)
	}
}

// TestPredictUnknown holds the reasons why files are not foretold, and that the config is all the same.
func TestPredictUnknown(t *testing.T) {
	host := base(t)
	for _, test := range []struct{ lines, because string }{
		{"FROM ${HOST}/base:1\nRUN mkdir /x", "RUN in line 3: mkdir of another user than root"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN touch /x", "RUN in line 4: what touch does"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN mkdir /x || mkdir /y", "RUN in line 4: what it runs depends on what happens"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN if true; then mkdir /x; fi", "RUN in line 4: what it runs depends on what happens"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN echo x >/x", "RUN in line 4: it writes files by redirection"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN mkdir $X", "RUN in line 4: mkdir is given what is not known"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN chmod 1777 /home", "RUN in line 4: chmod is not in the image"},
		{"FROM ${HOST}/base:1\nUSER 0\nRUN apk add x", "what a RUN leaves in /bin"},
		{"FROM scratch\nCOPY --exclude=x . /", "COPY in line 3: --exclude is not foretold"},
		{"FROM scratch\nCOPY nope /", `COPY in line 3: /nope: not found`},
		{"FROM scratch\nADD https://host.example/x /", "ADD in line 3: https://host.example/x is fetched by the build"},
		{"FROM ${HOST}/base:1 AS b\nRUN make\nFROM scratch\nCOPY --from=b /x /", "COPY in line 5: of what it copies: RUN in line 3: what make does"},
		{"FROM ${HOST}/base:1 AS b\nRUN go build -o /x .\nFROM scratch\nCOPY --from=b /x /", "COPY in line 5: the program that line 3 builds: it is built here only with --build"},
	} {
		s := predicted(t, "-- Dockerfile --\nARG HOST\n"+test.lines+"\nENV A=b\n-- a --\na\n", target.Options{BuildArgs: map[string]string{"HOST": host}})
		if want := "not known before the build: " + test.because; s.Unpredicted != want {
			t.Errorf("%q: the reason is %q, want %q", test.lines, s.Unpredicted, want)
		}
		if s.Image == nil || s.Image.FS != nil || !slices.Contains(s.Image.Config.Env, "A=b") {
			t.Errorf("%q: the image is %+v", test.lines, s.Image)
		}
	}
}

// TestPredictWithoutBase: of an image whose base cannot be had nothing is foretold, and the Dockerfile is audited as it is.
func TestPredictWithoutBase(t *testing.T) {
	host := imagetest.Serve(t)
	for _, opt := range []target.Options{{}, {Offline: true}} {
		opt.BuildArgs = map[string]string{"HOST": host}
		s := predicted(t, "-- Dockerfile --\nARG HOST\nFROM ${HOST}/base:1\nENV A=b\n", opt)
		if s.Image != nil || s.Dockerfile == nil || !strings.HasPrefix(s.Unpredicted, "not known before the build: FROM in line 2: reading "+host) || len(s.Unread) > 0 {
			t.Errorf("%+v: %q, %+v", opt, s.Unpredicted, s.Image)
		}
	}
}

// TestPredictSkips: a rule that would want the image says why there is none; one that wants something else says that.
func TestPredictSkips(t *testing.T) {
	s := predicted(t, "-- Dockerfile --\nFROM scratch\nCOPY --exclude=x . /\n", target.Options{})
	image := &audit.Rule{ID: "image", Sees: audit.Sees{All: audit.Image}, Check: func(*audit.Pass) {}}
	date := &audit.Rule{ID: "date", Sees: audit.Sees{All: audit.Image | audit.Date}, Check: func(*audit.Pass) {}}
	got := audit.Run(s, []*audit.Rule{image, date}).Skipped
	want := []audit.Skip{{Rule: "image", Because: "not known before the build: COPY in line 2: --exclude is not foretold"}, {Rule: "date", Because: "no image and no date"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
