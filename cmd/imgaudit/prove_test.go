package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// runcAlone leaves runc as the only engine of this machine, or skips.
func runcAlone(t *testing.T) {
	t.Helper()
	lab.NeedContainers(t)
	runc, err := exec.LookPath("runc")
	if err != nil {
		lab.Lacking(t, "no runc: apt-get install runc")
	}
	dir := t.TempDir()
	check(t, os.Symlink(runc, filepath.Join(dir, "runc")))
	t.Setenv("PATH", dir)
}

// TestProve runs real images: what was foretold holds, and what cannot be started is never a pass.
func TestProve(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-trimpath", "-o", app, "../../pkg/prove/testdata/plain")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(app)
	check(t, err)
	runcAlone(t)
	dir := t.TempDir()
	image := func(name string, config layers.Config) string {
		file := filepath.Join(dir, name)
		imagetest.WriteOCIArchive(t, file, "", imagetest.Image{Config: config, Layers: [][]layers.File{{{Path: "app", Mode: 0o755, Data: data}}}}.Build(t))
		return file
	}
	good := image("good.tar", layers.Config{Entrypoint: []string{"/app"}, User: "65532:65532"})
	database := image("database.tar", layers.Config{Entrypoint: []string{"/app", "db:5432"}})
	shell := image("shell.tar", layers.Config{Entrypoint: []string{"/bin/sh", "-c", "/app"}})
	for _, test := range []struct {
		name    string
		args    []string
		code    int
		outcome audit.Outcome
		text    string
	}{
		{"a program that needs nothing", []string{good, "--only", "read-only root"}, exitPass, audit.OutcomeHolds, "run under 2 conditions with runc"},
		{"a fault that was foretold", []string{shell}, exitPass, audit.OutcomeHolds, "foretold by shell-missing: exec: \"/bin/sh\""},
		{"a program without its database", []string{database}, exitUnaudited, audit.OutcomeUnproven, "do: say what the program needs, in .imgaudit.yaml"},
		{"arguments in place of CMD", []string{image("cmd.tar", layers.Config{Entrypoint: []string{"/app"}, Cmd: []string{"db:5432"}}), "--only", "SIGINT", "--"}, exitPass, audit.OutcomeHolds, "SIGINT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "proof.json")
			args := append([]string{"prove", "--cache-dir", filepath.Join(dir, "cache"), "-o", "text", "-o", "json=" + file}, test.args...)
			var stdout, stderr bytes.Buffer
			if code := run(args, strings.NewReader(""), &stdout, &stderr, func(string) (string, bool) { return "", false }); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.HasPrefix(stderr.String(), "imgaudit: executing the image "+test.args[0]+" in a container (runc ") {
				t.Errorf("it does not say first that it executes the image: %s", &stderr)
			}
			if !strings.Contains(stdout.String(), test.text) {
				t.Errorf("it does not say %q:\n%s", test.text, &stdout)
			}
			text, err := os.ReadFile(file)
			check(t, err)
			var report struct{ Proof audit.Proof }
			check(t, json.Unmarshal(text, &report))
			if report.Proof.Outcome != test.outcome {
				t.Errorf("the proof %s, want %s", report.Proof.Outcome, test.outcome)
			}
			last := report.Proof.Steps[len(report.Proof.Steps)-1]
			again := append([]string{"prove", "--quiet"}, last.Command[2:]...)
			if code := run(again, strings.NewReader(""), &stdout, &stderr, func(string) (string, bool) { return "", false }); code != test.code {
				t.Errorf("again: %q: exit code %d, want %d", last.Command, code, test.code)
			}
			schema, err := jsonschema.NewCompiler().Compile(filepath.Join(projectRoot, "docs", "report.schema.json"))
			check(t, err)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			check(t, err)
			check(t, schema.Validate(doc))
		})
	}
}
