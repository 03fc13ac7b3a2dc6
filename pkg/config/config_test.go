package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/config"
)

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRead(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), config.Name), `# what the service needs
prove:
  args: [serve, --port, 8080]
  env: {MODE: test, RETRIES: 3}
  path: /healthz
  tlsPorts: [8443]
  only: ["as built", SIGINT]
  ready: 10s
  watch: 1s
  grace: 500ms
`)
	got, err := config.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{File: file, Prove: config.Prove{
		Args: []string{"serve", "--port", "8080"}, Env: []string{"MODE=test", "RETRIES=3"}, Path: "/healthz", TLSPorts: []string{"8443"},
		Only: []string{"as built", "SIGINT"}, Ready: 10 * time.Second, Watch: time.Second, Grace: 500 * time.Millisecond,
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestNothing(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "# nothing\n", "prove:\n", "prove: {}\n"} {
		file := write(t, filepath.Join(dir, config.Name), text)
		if got, err := config.Read(file); err != nil || !reflect.DeepEqual(got, &config.Config{File: file}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if got, err := config.Read(""); err != nil || got.File != "" {
		t.Errorf("no file: %+v, %v", got, err)
	}
}

func TestWrong(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"prove:\n  raedy: 1s\n", `2:3: unknown key "raedy"; did you mean "ready"?`},
		{"policy: strict\n", `1:1: unknown key "policy"; there are prove`},
		{"prove:\n  ready: soon\n", `2:10: "soon" is no duration such as 500ms or 10s`},
		{"prove:\n  ready: -1s\n", `2:10: "-1s" is no duration`},
		{"prove:\n  path: /a\n  path: /b\n", `3:3: the key "path" is given twice`},
		{"prove:\n  args: serve\n", `2:9: a list is expected here`},
		{"prove:\n  args: [[a]]\n", `2:10: a single value is expected here`},
		{"prove:\n  env: [A=1, B]\n", `2:14: "B" is no NAME=VALUE`},
		{"prove:\n  env: x\n", `2:8: variables are expected here`},
		{"prove:\n  tlsPorts: [443, http]\n", `2:19: "http" is no port`},
		{"prove: [1]\n", `1:8: keys are expected here: args, env`},
		{"- a\n", `1:1: keys are expected here: prove`},
		{"prove:\n\tpath: /\n", `line 2`},
		{"prove: &p {path: /}\nProve: *p\n", `2:1: unknown key "Prove"; did you mean "prove"?`},
	} {
		_, err := config.Read(write(t, filepath.Join(t.TempDir(), config.Name), test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	above := write(t, filepath.Join(root, config.Name), "")
	write(t, filepath.Join(root, "repo", "sub", "deep", "file"), "")
	repo, deep := filepath.Join(root, "repo"), filepath.Join(root, "repo", "sub", "deep")
	find := func(dir, want string) {
		t.Helper()
		if got, err := config.Find(dir); err != nil || got != want {
			t.Errorf("in %s: got %q, %v; want %q", dir, got, err, want)
		}
	}
	find(root, above)
	find(deep, "") // no repository: only the directory itself
	write(t, filepath.Join(repo, ".git", "HEAD"), "")
	find(deep, "") // the one above is none of the repository's
	own := write(t, filepath.Join(repo, config.Name), "")
	find(deep, own)
	nearer := write(t, filepath.Join(repo, "sub", config.Name), "")
	find(deep, nearer)
	find(repo, own)
}

func FuzzRead(f *testing.F) {
	f.Add("prove:\n  args: [a]\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = config.Read(write(t, filepath.Join(t.TempDir(), config.Name), text))
	})
}
