package reality

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// containers numbers the containers: runc wants each to have a name.
var containers atomic.Int64

// runc runs a command of the root in a container and waits for its end. The root must be at BUNDLE/rootfs.
func runc(t *testing.T, s *audit.Subject, bundle string, argv []string) outcome {
	t.Helper()
	tool := needTool(t, "runc")
	config, err := json.Marshal(bundleConfig(s, argv))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("imgaudit-reality-%d-%d", os.Getpid(), containers.Add(1))
	cmd := exec.Command(tool, "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, name)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	o := outcome{code: cmd.ProcessState.ExitCode(), output: out.String()}
	if _, words, ok := strings.Cut(o.output, "msg=\"runc run failed: "); err != nil && ok {
		o.refused = strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(words), `"`), `\"`, `"`)
	} else if strings.HasPrefix(o.output, "exec ") {
		o.refused = strings.TrimSpace(o.output) // runc's own process speaks: it could not become the program
	}
	return o
}

// bundleConfig is the OCI run-time's configuration for a subject: what an engine makes of an image's, without a network
// namespace and without cgroups limits. Source: OCI runtime-spec config.md, config-linux.md.
func bundleConfig(s *audit.Subject, argv []string) map[string]any {
	capabilities := []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE"}
	granted := map[string]any{"bounding": capabilities}
	if s.Identity.UID == 0 {
		granted["effective"], granted["permitted"] = capabilities, capabilities
	}
	namespaces := []map[string]string{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}}
	return map[string]any{
		"ociVersion": "1.0.2",
		"process": map[string]any{
			"user":            map[string]any{"uid": s.Identity.UID, "gid": s.Identity.GID, "additionalGids": s.Identity.Groups},
			"args":            argv,
			"env":             withDefaults(s.Image.Config.Env),
			"cwd":             path.Join("/", s.Image.Config.WorkingDir),
			"capabilities":    granted,
			"rlimits":         []map[string]any{{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}},
			"noNewPrivileges": true,
		},
		"root":   map[string]any{"path": "rootfs"},
		"mounts": []map[string]any{{"destination": "/proc", "type": "proc", "source": "proc"}},
		"linux":  map[string]any{"namespaces": namespaces},
	}
}
