package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lab"
)

// TestDocker: the daemon answers, and leaves nothing behind, also when it was killed while a container ran.
func TestDocker(t *testing.T) {
	for _, how := range []string{"stopped", "killed"} {
		var host string
		t.Run(how, func(t *testing.T) {
			d := lab.Docker(t)
			host = os.Getenv("DOCKER_HOST")
			dir := t.TempDir()
			program := filepath.Join(dir, "wait")
			source := filepath.Join(dir, "wait.go")
			if err := os.WriteFile(source, []byte("package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			compile := exec.Command("go", "build", "-o", program, source)
			compile.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := compile.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY wait /wait\nENTRYPOINT [\"/wait\"]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"build", "--quiet", "--tag", "wait", dir}, {"run", "--detach", "wait"}} {
				if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
					t.Fatalf("docker %s: %v\n%s", args[0], err, out)
				}
			}
			if how == "killed" {
				_ = d.Process.Signal(syscall.SIGKILL)
			}
		})
		dir := filepath.Dir(strings.TrimPrefix(host, "unix://"))
		if _, err := os.Stat(dir); host != "" && !os.IsNotExist(err) {
			t.Errorf("%s: its directory is there: %v", how, err)
		}
		mounts, _ := os.ReadFile("/proc/self/mountinfo")
		links, _ := filepath.Glob("/sys/class/net/imgaudit*")
		groups, _ := filepath.Glob("/sys/fs/cgroup/*/imgaudit[0-9]*")
		if strings.Contains(string(mounts), dir+"/") || links != nil || groups != nil {
			t.Errorf("%s: left behind %q %q", how, links, groups)
		}
	}
}
