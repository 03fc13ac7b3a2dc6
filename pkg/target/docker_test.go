package target_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// docker runs a command of docker's client.
func docker(t *testing.T, env string, args ...string) {
	t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestDockerImage builds with docker, on a base image that only docker has and on one of a registry: what was predicted is
// what was built, and an image that docker has is the same image as the archive that another program makes of it.
func TestDockerImage(t *testing.T) {
	lab.Docker(t)
	skopeo, err := exec.LookPath("skopeo")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	files := map[string]string{"app.conf": "a=1\n", "app": "#!/nothing\n", "tls.key": "-----BEGIN PRIVATE KEY-----\n", ".dockerignore": "ignored\n", "ignored": "", "web/index.html": "<p>\n"}
	image := imagetest.Image{Config: layers.Config{Env: []string{"PATH=/bin", "X=base"}, User: "app", WorkingDir: "/home/app", Cmd: []string{"old"}},
		Layers: [][]layers.File{{{Path: "etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\napp:x:7:7::/home/app:/bin/sh\n")}, {Path: "etc/group", Data: []byte("app:x:7:\n")}, {Path: "tmp/", Mode: 0o1777 | os.ModeDir}},
			{{Path: "etc/gone", Data: []byte("x")}}, {{Path: "etc/.wh.gone"}}}, History: []layers.Step{{CreatedBy: "ADD root"}, {CreatedBy: "RUN touch"}, {CreatedBy: "RUN rm"}}}.Build(t)
	saved := filepath.Join(t.TempDir(), "base.tar")
	imagetest.WriteDockerArchive(t, saved, []string{"base:1"}, image)
	docker(t, "", "load", "--quiet", "--input", saved)
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/base:1", image)
	for i, base := range []string{"base:1", host + "/base:1"} {
		for _, buildkit := range []string{"0", "1"} {
			t.Run(fmt.Sprintf("%d with DOCKER_BUILDKIT=%s", i, buildkit), func(t *testing.T) {
				dir := t.TempDir()
				for name, data := range files {
					file := filepath.Join(dir, name)
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				text := "FROM " + base + "\nCOPY --chown=app:app app.conf /etc/app/\nWORKDIR /srv\nCOPY web app ./\nCOPY . /context/\nENV MODE=fast\nEXPOSE 8080\nHEALTHCHECK CMD [\"/srv/app\"]\nENTRYPOINT [\"/srv/app\"]\n"
				if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				read := func(name string, predict bool) *audit.Subject {
					t.Helper()
					opt := target.Options{Predict: predict, Now: time.Now()}
					if !predict {
						opt.Dockerfile, opt.Context = filepath.Join(dir, "Dockerfile"), dir
					}
					subjects, err := target.Subjects(t.Context(), []string{name}, opt)
					if err != nil {
						t.Fatal(err)
					}
					if s := subjects[0]; s.Image == nil || s.Image.FS == nil {
						t.Fatalf("%s: %+v", name, s.Image)
					}
					return subjects[0]
				}
				foretold := read(dir, true)
				docker(t, "DOCKER_BUILDKIT="+buildkit, "build", "--quiet", "--tag", "app:"+buildkit, dir)
				real := read("docker:app:"+buildkit, false)
				same(t, "the prediction and docker's image", foretold, real)
				if skopeo == "" {
					t.Skip("skopeo is not installed")
				}
				archive := filepath.Join(t.TempDir(), "copy.tar") // an OCI layout would have no health check
				if out, err := exec.Command(skopeo, "--insecure-policy", "copy", "--quiet", "--src-daemon-host", os.Getenv("DOCKER_HOST"), "docker-daemon:app:"+buildkit, "docker-archive:"+archive).CombinedOutput(); err != nil {
					t.Fatalf("skopeo: %v\n%s", err, out)
				}
				copied := read("docker-archive:"+archive, false)
				same(t, "docker's image and its copy", real, copied)
				for i, l := range real.Image.Layers {
					if l.DiffID != copied.Image.Layers[i].DiffID {
						t.Errorf("layer %d: %s, copied %s", i, l.DiffID, copied.Image.Layers[i].DiffID)
					}
				}
				if !slices.Equal(steps(real.Image), steps(copied.Image)) {
					t.Errorf("history %q, copied %q", steps(real.Image), steps(copied.Image))
				}
			})
		}
	}
}

func steps(img *layers.Image) (all []string) {
	for _, s := range img.History {
		all = append(all, s.CreatedBy)
	}
	return all
}

// same compares what the rules see of two images.
func same(t *testing.T, what string, a, b *audit.Subject) {
	t.Helper()
	if x, y := owned(a.Image.FS), owned(b.Image.FS); x != y {
		t.Errorf("%s: files\n%s\nand\n%s", what, x, y)
	}
	if x, y := fmt.Sprintf("%+v", settings(a.Image.Config)), fmt.Sprintf("%+v", settings(b.Image.Config)); x != y {
		t.Errorf("%s: config\n%s\nand\n%s", what, x, y)
	}
	if x, y := said(a), said(b); x != y || x == "" {
		t.Errorf("%s: findings\n%s\nand\n%s", what, x, y)
	}
}

// owned are the files of a tree, without the layers that have them.
func owned(tree *layers.FS) string {
	var lines []string
	_ = tree.Walk(func(e *layers.Entry) error {
		if e.Mode.IsRegular() {
			lines = append(lines, fmt.Sprintf("%s %d:%d %s %d", e.Mode, e.UID, e.GID, e.Path, e.Size))
		}
		return nil
	})
	return strings.Join(lines, "\n")
}

// settings are what a config says of the program.
func settings(c layers.Config) layers.Config {
	return layers.Config{User: c.User, Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, WorkingDir: c.WorkingDir, ExposedPorts: c.ExposedPorts, Healthcheck: c.Healthcheck, StopSignal: c.StopSignal}
}

// said are the findings with their lines.
func said(s *audit.Subject) string {
	var lines []string
	for _, f := range audit.Run(s, rules.All()).Findings {
		line := 0
		if f.Location != nil {
			line = f.Location.Line
		}
		lines = append(lines, fmt.Sprintf("%d %s: %s", line, f.Rule, f.Message))
	}
	return strings.Join(lines, "\n")
}
