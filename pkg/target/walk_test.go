package target_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// tree writes files below the working directory.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// look describes the subjects of targets: Dockerfile in context, with what is refused or unread.
func look(t *testing.T, args ...string) string {
	t.Helper()
	subjects, err := target.Subjects(t.Context(), args, target.Options{})
	if err != nil {
		return "error: " + err.Error()
	}
	var out []string
	for _, s := range subjects {
		switch {
		case s.Dockerfile != nil && s.Context != nil:
			out = append(out, s.Dockerfile.Path+" in "+s.Context.Dir)
		case s.Dockerfile != nil:
			out = append(out, s.Dockerfile.Path)
		case s.Refused != nil:
			out = append(out, "refused "+s.Refused.Path)
		}
		for _, u := range s.Unread {
			out = append(out, "unread "+u.What+": "+u.Because)
		}
	}
	return strings.Join(out, "; ")
}

const scratch = "FROM scratch\n"

// TestDirectory holds which Dockerfiles a directory has, and the build context of each.
func TestDirectory(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"all names, those of a directory before those below", map[string]string{"Dockerfile": scratch, "b/Containerfile": scratch, "b/a.Dockerfile": scratch, "a/c/Dockerfile.dev": scratch,
			"a/dockerfile": scratch, "a/x.dockerfile": scratch, "z/readme": ""},
			"Dockerfile in .; a/dockerfile; a/x.dockerfile; a/c/Dockerfile.dev; b/Containerfile; b/a.Dockerfile"},
		{"templates, documents, leftovers and ignore files are none", map[string]string{"Dockerfile": scratch, "Dockerfile.tmpl": "{{", "Dockerfile.j2": "", "a/Dockerfile.md": "", "Dockerfile.dockerignore": "",
			"Dockerfile~": "", "Dockerfile.orig": "", "Dockerfiles": "", "myDockerfile": "", ".git/Dockerfile": scratch}, "Dockerfile in ."},
		{"what git would leave alone is left out", map[string]string{".gitignore": "/out/\n*.Dockerfile\n!keep.Dockerfile\n", "out/Dockerfile": scratch, "x.Dockerfile": scratch,
			"a/keep.Dockerfile": scratch, "node_modules/Dockerfile": scratch, "a/.gitignore": "b\n", "a/b/Dockerfile": scratch}, "a/keep.Dockerfile; node_modules/Dockerfile"},
		{"the nearest directory that has what is copied", map[string]string{"build/Dockerfile": "FROM scratch\nCOPY go.mod /\n", "go.mod": "module x\n", "svc/a/docker/Dockerfile": "FROM scratch\nCOPY main.go /\n",
			"svc/a/main.go": "", "own/Dockerfile": "FROM scratch\nCOPY main.go /\n", "own/main.go": "", "none/Dockerfile": "FROM scratch\nCOPY nowhere /\n"},
			"build/Dockerfile in .; none/Dockerfile; own/Dockerfile in own; svc/a/docker/Dockerfile in svc/a"},
		{"one that does not parse does not stop the others", map[string]string{"a/Dockerfile": "FORM x\n", "b/Dockerfile": scratch, "c/Dockerfile": "\x7fELF\x00\x01", "d/Dockerfile": ""},
			"refused a/Dockerfile; b/Dockerfile; refused c/Dockerfile; refused d/Dockerfile"},
		{"a directory of that name is a directory", map[string]string{"Dockerfile/x": "", "Dockerfile.d/Dockerfile": scratch}, "Dockerfile.d/Dockerfile"},
		{"none at all", map[string]string{"a/b": ""}, "unread .: no Dockerfile in this directory or below it"},
		{"none that git does not leave alone", map[string]string{".gitignore": "Dockerfile\n", "Dockerfile": scratch}, "unread .: no Dockerfile in this directory or below it, but for what .gitignore names"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree(t, test.files)
			if got := look(t, "."); got != test.want {
				t.Errorf("\ngot  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestDirectoryBeside holds that a directory beside an image or a program is the one directory of that service.
func TestDirectoryBeside(t *testing.T) {
	tree(t, map[string]string{"Dockerfile": scratch, "sub/Dockerfile": scratch, "empty/sub/Dockerfile": scratch})
	img := imagetest.Image{Layers: [][]layers.File{{{Path: "a", Data: []byte("a")}}}}.Build(t)
	imagetest.WriteDockerArchive(t, "app.tar", []string{"app:v1"}, img)
	if got := look(t, "app.tar", "."); got != "Dockerfile in ." {
		t.Errorf("got %s", got)
	}
	if got := look(t, "app.tar", "empty"); got != "unread empty: no Dockerfile in this directory" {
		t.Errorf("got %s", got)
	}
}

// TestDirectoryLinks holds what symbolic links and other things named Dockerfile are.
func TestDirectoryLinks(t *testing.T) {
	tree(t, map[string]string{"repo/Dockerfile.prod": scratch, "repo/base": scratch, "repo/x": scratch, "repo/real/Dockerfile": scratch, "secret": "root:x:0\n"})
	for name, to := range map[string]string{
		"repo/Dockerfile":      "Dockerfile.prod", // a twin
		"repo/a/b":             "..",              // a loop
		"repo/c":               "real",            // a directory twice
		"repo/base.Dockerfile": "base", "repo/d/Dockerfile": "../x", "repo/d/Dockerfile.2": "../x",
		"repo/e/Dockerfile": "../../secret", "repo/f/Dockerfile": "/etc/hostname", "repo/g/Dockerfile": "nowhere", "repo/h/Dockerfile": "Dockerfile", "repo/i/Dockerfile": "../real",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo("repo/j.Dockerfile", 0o644); err != nil {
		t.Skip(err)
	}
	want := "repo/Dockerfile.prod in repo; repo/base.Dockerfile in repo; repo/d/Dockerfile; repo/real/Dockerfile"
	notes := "unread repo/j.Dockerfile: it is no regular file; unread repo/e/Dockerfile: it is a symbolic link out of the directory; unread repo/f/Dockerfile: it is a symbolic link out of the directory; " +
		"unread repo/g/Dockerfile: no such file or directory; unread repo/h/Dockerfile: EvalSymlinks: too many links"
	got := look(t, "repo")
	for _, w := range strings.Split(want+"; "+notes, "; ") {
		if !strings.Contains(got+"; ", w+"; ") {
			t.Errorf("%s is missing in:\n%s", w, got)
		}
	}
	if n := strings.Count(got, "; ") + 1; n != 9 {
		t.Errorf("%d things:\n%s", n, strings.ReplaceAll(got, "; ", "\n"))
	}
}

// TestDirectoryDeep holds that what lies too deep to be read is said, and that the rest is read; and that the time ends it.
func TestDirectoryDeep(t *testing.T) {
	tree(t, map[string]string{"Dockerfile": scratch})
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("d", 200)
	for range 30 { // longer than a path may be
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chdir(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("Dockerfile", []byte(scratch), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(root); err != nil {
		t.Fatal(err)
	}
	subjects, err := target.Subjects(t.Context(), []string{root}, target.Options{})
	if err != nil || len(subjects) != 1 || len(subjects[0].Unread) != 1 || subjects[0].Unread[0].Because != "file name too long" {
		t.Errorf("%d subjects, %+v, %v", len(subjects), subjects[0].Unread, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	subjects, err = target.Subjects(ctx, []string{root}, target.Options{})
	if err != nil || subjects[0].Dockerfile == nil || subjects[0].Unread[0].Because != "context canceled" {
		t.Errorf("%+v, %v", subjects[0].Unread, err)
	}
}

// TestDirectoryMany holds that many directories are walked in a moment, and found in order.
func TestDirectoryMany(t *testing.T) {
	tree(t, nil)
	const n = 600
	for i := range n {
		dir := fmt.Sprintf("a%03d/b%d/c", i/10, i%10)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(scratch), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	subjects, err := target.Subjects(t.Context(), []string{"."}, target.Options{})
	if err != nil || len(subjects) != n/100 {
		t.Fatalf("%d subjects, %v", len(subjects), err)
	}
	for i, s := range subjects {
		if want := fmt.Sprintf("a%03d/b0/c/Dockerfile", i*10); s.Dockerfile == nil || s.Dockerfile.Path != want {
			t.Errorf("subject %d: %+v, want %s", i, s.Dockerfile, want)
		}
	}
}

// TestRefused holds whose fault it is that a Dockerfile does not parse.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, source string
		want         string
	}{
		{"BuildKit refuses it", "FROM scratch\nRUNN a\n", "refused Dockerfile"},
		{"its own released frontend would, too", "# syntax=docker/dockerfile:1.7\nFROM scratch\nRUNN a\n", "refused Dockerfile"},
		{"from a mirror", "# syntax=mirror.test:5000/docker/dockerfile@sha256:0\nFROM scratch\nRUNN a\n", "refused Dockerfile"},
		{"another frontend may know it", "# syntax=mirror.test/mopy\nFROM scratch\nRUNN a\n", "unread Dockerfile: Dockerfile:3: unknown instruction: RUNN (did you mean RUN?)"},
		{"or a later one", "# syntax=docker/dockerfile:1-labs\nFROM scratch\nRUNN a\n", "unread Dockerfile: Dockerfile:3: unknown instruction: RUNN (did you mean RUN?)"},
		{"more than is read here", "FROM scratch\n#" + strings.Repeat(" ", 1<<20), "unread Dockerfile: Dockerfile: dockerfile larger than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree(t, map[string]string{"Dockerfile": test.source})
			if got := look(t, "Dockerfile"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
