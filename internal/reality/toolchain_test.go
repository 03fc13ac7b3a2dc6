package reality

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestToolchain builds modules with the Go that runs the test, as a golang image of that release would (GOTOOLCHAIN=local),
// and compares with what toolchain-mismatch says of a Dockerfile with that image: whether it builds, and go's words.
func TestToolchain(t *testing.T) {
	release := strings.TrimPrefix(runtime.Version(), "go")
	if strings.Trim(release, "0123456789.") != "" {
		t.Skipf("the Go that runs is no release: %s", runtime.Version())
	}
	for _, line := range []string{"1.16", "1.22", "1.22.0", release, release + "9", "1.99", "1.99.0", "1.99rc1", "2.0"} {
		for _, toolchain := range []string{"", "toolchain go1.99.1\n"} {
			t.Run(line+" "+toolchain, func(t *testing.T) {
				dir := t.TempDir()
				for name, text := range map[string]string{
					"go.mod":     "module example.com/app\n\ngo " + line + "\n\n" + toolchain,
					"main.go":    "package main\n\nfunc main() {}\n",
					"Dockerfile": fmt.Sprintf("FROM golang:%s AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\n", release),
				} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				c := exec.Command("go", "build", "-o", "app", ".")
				c.Dir, c.Env = dir, append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
				said, err := c.CombinedOutput()
				findings := judgeDir(t, dir)
				switch {
				case err == nil && len(findings) > 0:
					t.Errorf("it builds, and the rule says %s", findings[0].Message)
				case err != nil && len(findings) == 0:
					t.Errorf("it does not build, and the rule is silent: %s", said)
				case err != nil && (findings[0].Severity != audit.Error || !strings.Contains(string(said), findings[0].Words)):
					t.Errorf("go says %q, the rule %s %q", said, findings[0].Severity, findings[0].Words)
				}
			})
		}
	}
}

// judgeDir runs toolchain-mismatch over a directory with a Dockerfile.
func judgeDir(t *testing.T, dir string) []audit.Finding {
	t.Helper()
	subjects, err := target.Subjects(context.Background(), []string{dir}, target.Options{})
	if err != nil || len(subjects) != 1 || len(subjects[0].Unread) > 0 {
		t.Fatalf("reading %s: %v", dir, err)
	}
	return audit.Run(subjects[0], []*audit.Rule{rules.Find("toolchain-mismatch")}).Findings
}
