package rules_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
	module "github.com/imgaudit/imgaudit/pkg/source"
)

// TestVCSReality builds a real module in a real repository, of which .dockerignore leaves out parts, and compares what go
// says with what the rule says.
func TestVCSReality(t *testing.T) {
	for _, tool := range []string{"git", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	repo := t.TempDir()
	write(t, repo, "go.mod", "module example.com/app\n\ngo 1.26\n")
	write(t, repo, "main.go", "package main\n\nfunc main() {}\n")
	run(t, repo, "git", "init", "-q")
	run(t, repo, "git", "add", "go.mod", "main.go")
	run(t, repo, "git", "-c", "user.email=a@example.com", "-c", "user.name=a", "commit", "-qm", "first")
	for _, c := range []struct {
		name, ignore, flags, copy string
		owner, noGit              bool
		fails                     bool // go build
		doubtful                  bool // the rule cannot tell, and says likely
	}{
		{name: "whole"},
		{name: "none", ignore: ".git"},
		{name: "no head", ignore: ".git/HEAD", fails: true},
		{name: "no refs", ignore: ".git/refs", fails: true},
		{name: "no objects", ignore: ".git/objects", fails: true},
		{name: "empty objects", ignore: ".git/objects/*", fails: true},
		{name: "contents only", ignore: ".git/*", fails: true},
		{name: "contents only, deep", ignore: ".git/**", fails: true},
		{name: "everywhere", ignore: "**/.git"},
		{name: "only the head", ignore: ".git/*\n!.git/HEAD", fails: true},
		{name: "only head and refs", ignore: ".git\n!.git/HEAD\n!.git/refs", fails: true},
		{name: "neither hooks nor logs nor index", ignore: ".git/hooks\n.git/logs\n.git/index\n.git/config\n.git/info"},
		{name: "some objects", ignore: ".git/objects/[0-7]*", fails: true, doubtful: true},
		{name: "all but the module", ignore: "*\n!go.mod\n!main.go"},
		{name: "turned off", ignore: ".git/HEAD", flags: "-buildvcs=false"},
		{name: "one file", ignore: ".git/HEAD", flags: "main.go"},
		{name: "all packages", ignore: ".git/HEAD", flags: "./...", fails: true},
		{name: "no git", ignore: ".git/HEAD", noGit: true},
		{name: "no git, asked", flags: "-buildvcs=true", noGit: true, fails: true},
		{name: "no git, nothing to ask", ignore: ".git", flags: "-buildvcs=true", noGit: true},
		{name: "foreign", copy: "--chown=1000:1000 ", owner: true, fails: true},
		{name: "foreign, no git", copy: "--chown=1000:1000 ", owner: true, noGit: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.owner && os.Getuid() != 0 {
				t.Skip("only root can give files away")
			}
			base := "golang:1.26"
			if c.noGit {
				base = "golang:1.26-alpine"
			}
			flags := strings.TrimSpace(c.flags + " ")
			text := "FROM " + base + " AS build\nWORKDIR /src\nCOPY " + c.copy + ". .\nRUN go build -o /app " + flags + "\nFROM scratch\nCOPY --from=build /app /app\n"
			write(t, repo, ".dockerignore", c.ignore+"\n")
			findings, ctx := auditDir(t, repo, text, "vcs-unavailable")
			stage := t.TempDir()
			materialize(t, ctx, repo, stage)
			if c.owner {
				run(t, stage, "chown", "-R", "1000:1000", ".")
			}
			cmd := exec.Command("go", append([]string{"build", "-o", filepath.Join(t.TempDir(), "app")}, strings.Fields(flags)...)...)
			cmd.Dir, cmd.Env = stage, append(os.Environ(), "GOENV=off", "GOFLAGS=", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES="+filepath.Dir(stage))
			if c.noGit {
				bin := t.TempDir()
				goTool, err := exec.LookPath("go")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(goTool, filepath.Join(bin, "go")); err != nil {
					t.Fatal(err)
				}
				cmd.Env = append(cmd.Env, "PATH="+bin)
			}
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != c.fails {
				t.Fatalf("go build fails: %v, want %v: %s", failed, c.fails, out)
			}
			if c.fails && !strings.Contains(string(out), "error obtaining VCS status") {
				t.Fatalf("go build says %s", out)
			}
			switch {
			case (len(findings) > 0) != c.fails:
				t.Errorf("the rule says %v, go build %s", findings, out)
			case c.fails && (findings[0].Certainty == audit.Likely) != c.doubtful:
				t.Errorf("certainty %s", findings[0].Certainty)
			case c.fails && !strings.Contains(string(out), findings[0].Words):
				t.Errorf("go says %s, the rule %s", out, findings[0].Words)
			}
		})
	}
}

// auditDir audits a Dockerfile with a directory for its context by one rule.
func auditDir(t *testing.T, dir, text, rule string) ([]audit.Finding, *dockerfile.Context) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f}
	if s.Context, err = dockerfile.NewContext(dir, os.DirFS(dir), "Dockerfile"); err != nil {
		t.Fatal(err)
	}
	if s.Module, err = module.ReadModule(s.Context.FS); err != nil {
		t.Fatal(err)
	}
	s.Prepare()
	return audit.Run(s, []*audit.Rule{rules.Find(rule)}).Findings, s.Context
}

// materialize copies what .dockerignore leaves of a directory, empty directories too.
func materialize(t *testing.T, ctx *dockerfile.Context, from, to string) {
	t.Helper()
	err := fs.WalkDir(ctx.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		ignored, err := ctx.Ignored(name)
		switch {
		case err != nil || ignored:
			return err
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		write(t, to, name, string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}
