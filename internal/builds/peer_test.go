package builds

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// peer starts the HTTPS server that the services call: its authority is in the CA bundles of the base images, see
// internal/ci/base-images.sh.
func (l *rig) peer(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tlspeer")
	if out, err := exec.Command("go", "build", "-o", file, "../ci/tlspeer").CombinedOutput(); err != nil {
		t.Fatalf("building the peer: %s", out)
	}
	cmd := exec.Command(file, "serve", filepath.Join(l.Work, "ca"), "127.0.0.1:8443")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	time.Sleep(200 * time.Millisecond)
}
