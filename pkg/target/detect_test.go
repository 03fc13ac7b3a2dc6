package target_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

func TestDetect(t *testing.T) {
	t.Chdir(t.TempDir())
	img := imagetest.Image{Layers: [][]layers.File{{{Path: "a", Data: []byte("a")}}}}.Build(t)
	imagetest.WriteLayout(t, "layout", "v1", img)
	imagetest.WriteOCIArchive(t, "oci.tar", "v1", img)
	imagetest.WriteDockerArchive(t, "docker.tar", []string{"app:v1"}, img)
	program, err := elftest.Build(elftest.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"app": string(program), "Dockerfile": "FROM scratch\n", "notes": "FROM scratch\n", "macho": "\xcf\xfa\xed\xfe\x07\x00\x00\x01" + strings.Repeat("\x00", 4096),
	} {
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("src", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		arg  string
		kind target.Kind
		name string
	}{
		{"src", "dir", "src"},
		{".", "dir", "."},
		{"Dockerfile", "dockerfile", "Dockerfile"},
		{"./notes", "dockerfile", "./notes"},
		{"app", "binary", "app"},
		{"macho", "binary", "macho"}, // the binary reader says what it is
		{"layout", "oci", "layout"},
		{"layout:v1", "registry", "layout:v1"}, // a name without a path: an image; oci:layout:v1 forces the other
		{"./layout:v1", "oci", "./layout:v1"},
		{"oci.tar", "oci-archive", "oci.tar"},
		{"./oci.tar:v1", "oci-archive", "./oci.tar:v1"},
		{"docker.tar", "docker-archive", "docker.tar"},
		{"dir:src", "dir", "src"},
		{"dockerfile:app", "dockerfile", "app"},
		{"binary:Dockerfile", "binary", "Dockerfile"},
		{"oci:layout:v1", "oci", "layout:v1"},
		{"docker-archive:nope.tar", "docker-archive", "nope.tar"},
		{"registry:app", "registry", "app"},
		{"localhost:5000/app:1.2", "registry", "localhost:5000/app:1.2"},
		{"alpine", "registry", "alpine"},
		{"docker:app:1", "docker", "app:1"},
		{"podman:0123abcd", "podman", "0123abcd"},
		{"stream:app", "registry", "stream:app"}, // no prefix: what comes through a pipe is only named "-"
	} {
		got, err := target.Detect(test.arg)
		if err != nil || got.Kind != test.kind || got.Name != test.name || got.Arg != test.arg {
			t.Errorf("%s: %+v, %v; want %s %s", test.arg, got, err, test.kind, test.name)
		}
	}
	for _, arg := range []string{"./nope", "../nope", "/nope/at/all", "nope.tar", "nope/Dockerfile", "./nope:v1"} {
		if got, err := target.Detect(arg); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %+v, %v; want no such file", arg, got, err)
		}
	}
	for _, arg := range []string{"", "docker://registry.example.test/app", "https://registry.example.test/app"} {
		if _, err := target.Detect(arg); !errors.Is(err, target.ErrUsage) {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

// TestSubjects holds which subjects targets make, and that one that cannot be read does not hide the others.
func TestSubjects(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	img := imagetest.Image{Layers: [][]layers.File{{{Path: "a", Data: []byte("a")}}}, History: []layers.Step{{CreatedBy: "COPY a /a # buildkit"}}}.Build(t)
	imagetest.WriteDockerArchive(t, at("app.tar"), []string{"app:v1"}, img)
	for name, text := range map[string]string{
		"Dockerfile": "FROM scratch\nCOPY a /a\n", "debug.Dockerfile": "FROM scratch\nCOPY b /b\n", "a": "a", "bad.Dockerfile.off": "", "x/Dockerfile": "FORM x\n",
	} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	describe := func(args []string, opt target.Options) string {
		subjects, err := target.Subjects(t.Context(), args, opt)
		if err != nil {
			return "error"
		}
		var parts []string
		for _, s := range subjects {
			var has []string
			if s.Image != nil {
				has = append(has, "image")
			}
			if s.Dockerfile != nil {
				has = append(has, filepath.Base(s.Dockerfile.Path))
			}
			if s.Context != nil {
				has = append(has, "context")
			}
			if s.Refused != nil {
				has = append(has, "refused "+filepath.Base(s.Refused.Path))
			}
			for _, u := range s.Unread {
				has = append(has, "unread "+filepath.Base(u.What))
			}
			parts = append(parts, strings.Join(has, " "))
		}
		return strings.Join(parts, "; ")
	}
	for _, test := range []struct {
		args []string
		opt  target.Options
		want string
	}{
		{[]string{at("app.tar")}, target.Options{}, "image"},
		{[]string{at("app.tar"), at("Dockerfile")}, target.Options{}, "image Dockerfile context"},
		{[]string{at("app.tar")}, target.Options{Dockerfile: at("debug.Dockerfile")}, "image debug.Dockerfile"}, // b is not there: not its context
		{[]string{at("app.tar")}, target.Options{Dockerfile: at("debug.Dockerfile"), Context: dir}, "image debug.Dockerfile context"},
		{[]string{dir}, target.Options{}, "Dockerfile context; debug.Dockerfile context; refused Dockerfile"},
		{[]string{dir, at("app.tar")}, target.Options{Dockerfile: at("Dockerfile")}, "image Dockerfile context"},
		{[]string{at("app.tar"), at("app.tar"), at("Dockerfile")}, target.Options{}, "image Dockerfile context; image Dockerfile context"},
		{[]string{at("x")}, target.Options{}, "refused Dockerfile"},
		{[]string{at("app.tar"), at("x")}, target.Options{}, "image refused Dockerfile"},
		{[]string{at("app.tar"), at("nope")}, target.Options{}, "image unread nope"},
		{[]string{at("Dockerfile")}, target.Options{Target: "nope"}, "unread Dockerfile"},
		{[]string{at("app.tar"), at("Dockerfile"), at("debug.Dockerfile")}, target.Options{}, "error"},
	} {
		if got := describe(test.args, test.opt); got != test.want {
			t.Errorf("%v %+v:\ngot  %s\nwant %s", test.args, test.opt, got, test.want)
		}
	}
}

// TestPipeIsSilent: a pipe into which nothing is written ends with the time, whatever it would have been.
func TestPipeIsSilent(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	subjects, err := target.Subjects(ctx, []string{"-"}, target.Options{Stdin: in})
	if err != nil || len(subjects) != 1 || len(subjects[0].Unread) != 1 || subjects[0].Unread[0].Because != "reading standard input: context deadline exceeded" {
		t.Errorf("%+v, %v", subjects[0].Unread, err)
	}
}
