package rules_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestContextSafety: what a build or a service may read is left out on demand only.
func TestContextSafety(t *testing.T) {
	safe := map[string]bool{
		"example": false, "certificates": false, "fix-service-with-settings": false, "fix-unknown-program": false,
		"fix-service-without-settings": true, "stays-in-the-build": true, "git-ships": true, "fix-git-unstamped": true, "npmrc": true,
	}
	for _, x := range services(t) {
		want, ok := safe[strings.TrimSuffix(path.Base(x.name), ".txtar")]
		if !ok || path.Base(path.Dir(x.name)) != "context-unfiltered" {
			continue
		}
		delete(safe, strings.TrimSuffix(path.Base(x.name), ".txtar"))
		c, err := repair.Correct(x.make(t, nil), []*audit.Rule{rules.Find("context-unfiltered")}, repair.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.Files) > 0; got != want {
			t.Errorf("%s: corrected without --unsafe: %v", x.name, got)
		}
	}
	if len(safe) > 0 {
		t.Errorf("no cases: %v", safe)
	}
}

// TestContextLosesSecretsOnly corrects made-up contexts: the ignore file only grows, what is left out is a secret or .git
// and nothing that a line names or a program embeds, and no COPY fails.
func TestContextLosesSecretsOnly(t *testing.T) {
	pick := func(r *rand.Rand, from []string, n int) (out []string) {
		for range n {
			out = append(out, from[r.IntN(len(from))])
		}
		return out
	}
	names := []string{".env", "a/.env", "a/b/.env", ".env.local", "a/.env.example", "key.pem", "a/key.pem", "a/b/tls.key", ".git/HEAD", ".git/config", "a/.git/HEAD", "id_rsa", ".netrc", "a/.aws/credentials", "go.mod", "main.go", "a/a.go", "a/x.txt", ".gitignore", "a/cert.pem"}
	ignores := []string{"*", "!a", "**/.env", "!a/.env", ".git", "# note", "", "a/b", "!a/b/.env", "*.pem", "!key.pem", "**/.git/config", "/.netrc", "!.git/HEAD"}
	copies := []string{"COPY . .", "COPY a /src/a", "COPY a/.env /etc/", "COPY *.pem /etc/", "ADD . /all", "COPY .git .git", "RUN CGO_ENABLED=0 go build -o /app .", "RUN go build -buildvcs=false -o /app .", "RUN make", "COPY --from=0 /src /srv", "RUN cat key.pem"}
	n := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		root := fstest.MapFS{}
		for _, name := range pick(r, names, 8) {
			data := "x\n"
			switch path.Ext(name) {
			case ".pem", ".key":
				data = "-----BEGIN PRIVATE KEY-----\n"
			case ".env", ".local":
				data = []string{"PASSWORD=hunter2\n", "", "PORT=1\n"}[r.IntN(3)]
			case ".go":
				data = "package main\n\nimport _ \"embed\"\n\n//go:embed " + []string{"key.pem", "all:b", "*.pem x.txt"}[r.IntN(3)] + "\nvar x string\n"
			}
			root[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
		}
		ends := []string{"\n", "\r\n"}[r.IntN(2)]
		if r.IntN(3) > 0 {
			root[".dockerignore"] = &fstest.MapFile{Data: []byte(strings.Join(pick(r, ignores, r.IntN(5)), ends))}
		}
		text := "FROM golang:1.26\nWORKDIR /src\n" + strings.Join(pick(r, copies[:9], 3), "\n") + "\nFROM alpine:3.22\n" + strings.Join(pick(r, copies, 2), "\n") + "\n"
		before := made(t, text, root)
		c, err := repair.Correct(before, []*audit.Rule{rules.Find("context-unfiltered")}, repair.Options{Unsafe: r.IntN(2) == 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range c.Left {
			if l.Finding.Fix != nil && !l.Unsafe {
				t.Errorf("seed %d: %s: left: %s", seed, l.Finding.Message, l.Because)
			}
		}
		if len(c.Files) == 0 {
			continue
		}
		n++
		about := fmt.Sprintf("seed %d\n%s\n%v\n%s", seed, text, root, repair.Diff(c.Files))
		f := c.Files[0]
		if len(c.Files) > 1 || f.Path != ".dockerignore" || !strings.HasPrefix(string(f.After), string(f.Before)) {
			t.Fatalf("not an addition to the ignore file: %s", about)
		}
		root = fstest.MapFS(cloned(root))
		root[".dockerignore"] = &fstest.MapFile{Data: f.After}
		checkLost(t, before, made(t, text, root), about)
	}
	if n < 300 {
		t.Errorf("only %d contexts are corrected", n)
	}
}

func cloned(m fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for name, file := range m {
		out[name] = file
	}
	return out
}

func made(t *testing.T, text string, root fstest.MapFS) *audit.Subject {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := dockerfile.NewContext("", root, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f, Context: ctx}
	s.Prepare()
	return s
}

// checkLost compares what the lines of a Dockerfile take of a context before and after.
func checkLost(t *testing.T, before, after *audit.Subject, about string) {
	t.Helper()
	for k, stage := range before.Dockerfile.Stages {
		for i, in := range stage.Instructions {
			was, err := before.Context.Taken(in, 0)
			if err != nil {
				continue
			}
			is, err := after.Context.Taken(after.Dockerfile.Stages[k].Instructions[i], 0)
			if err != nil {
				t.Fatalf("%s fails now: %v: %s", in.Text, err, about)
			}
			for _, name := range was {
				data := string(before.Context.FS.(fstest.MapFS)[name].Data)
				bad := strings.Contains("/"+name, "/.git/") || strings.Contains(data, "PRIVATE") || strings.Contains(data, "=") ||
					slices.Contains([]string{"id_rsa", ".netrc", "credentials"}, path.Base(name))
				if slices.Contains(is, name) {
					continue
				}
				if !bad || strings.Contains(in.Text, path.Base(name)) || strings.Contains(in.Text, "*.pem") && path.Ext(name) == ".pem" {
					t.Fatalf("%s loses %s: %s", in.Text, name, about)
				}
				if gone, _ := before.Context.Ignored(path.Join(path.Dir(name), sourceOf(name))); !gone && path.Ext(name) == ".pem" && before.Context.FS.(fstest.MapFS)[path.Join(path.Dir(name), sourceOf(name))] != nil {
					if code := string(before.Context.FS.(fstest.MapFS)[path.Join(path.Dir(name), sourceOf(name))].Data); strings.Contains(code, path.Base(name)) || strings.Contains(code, "*.pem") {
						t.Fatalf("%s is embedded: %s", name, about)
					}
				}
				if strings.Contains(name, ".git/") && strings.Contains(string(before.Dockerfile.Source), "go build -o") && strings.Contains(string(before.Dockerfile.Source), "golang") && strings.HasPrefix(in.Text, ". .") && k == 0 && goBuildBelow(stage, i) {
					t.Fatalf("a build is no longer stamped: %s", about)
				}
			}
		}
	}
}

// sourceOf is the Go file beside a file.
func sourceOf(name string) string {
	if path.Dir(name) == "." {
		return "main.go"
	}
	return "a.go"
}

// goBuildBelow reports whether a build that stamps its version stands below an instruction.
func goBuildBelow(s *dockerfile.Stage, i int) bool {
	return slices.ContainsFunc(s.Instructions[i:], func(in *dockerfile.Instruction) bool { return strings.Contains(in.Text, "go build -o") })
}
