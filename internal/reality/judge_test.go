package reality

import (
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// TestJudge shows that a disagreement is one: each outcome against each thing a rule may have said.
func TestJudge(t *testing.T) {
	fired := &audit.Finding{Certainty: audit.Proven, Words: "open /tmp/...: permission denied"}
	likely := &audit.Finding{Certainty: audit.Likely, Words: fired.Words}
	possible := &audit.Finding{Certainty: audit.Possible, Words: fired.Words}
	code := &audit.Finding{Certainty: audit.Proven, Words: "exit code 2 (as PID 1)"}
	refused := &audit.Finding{Certainty: audit.Proven, Words: `exec: "/app": permission denied`}
	ran, failed := outcome{output: "hello"}, outcome{code: 1, output: "open /tmp/app-1: permission denied"}
	tests := []struct {
		name    string
		cell    cell
		engine  string
		finding *audit.Finding
		seen    outcome
		remark  string
		agreed  bool
	}{
		{"fired and failed", cell{}, "chroot", fired, failed, "", true},
		{"fired and ran", cell{}, "chroot", fired, ran, "not as foretold", false},
		{"silent and failed", cell{}, "chroot", nil, failed, "not as foretold", false},
		{"silent and ran", cell{}, "chroot", nil, ran, "", true},
		{"fired and failed with other words", cell{}, "chroot", fired, outcome{code: 1, output: "open /tmp/app-1: no such file"}, "never said", false},
		{"fired and failed with the exit code", cell{}, "chroot", code, outcome{code: 2}, "", true},
		{"fired and failed with another exit code", cell{}, "chroot", code, outcome{code: 143}, "never said", false},
		{"refused by the kernel", cell{}, "chroot", refused, outcome{refused: "exec /app: permission denied"}, "", true},
		{"refused by the kernel otherwise", cell{}, "chroot", refused, outcome{refused: "exec /app: exec format error"}, "never said", false},
		{"refused by runc", cell{}, "runc", refused, outcome{refused: `unable to start: exec: "/app": permission denied`}, "", true},
		{"refused by runc in other words", cell{}, "runc", refused, outcome{refused: "exec /app: permission denied"}, "never said", false},
		{"refused by an older runc", cell{older: "exec /app: permission denied"}, "runc", refused, outcome{refused: "exec /app: permission denied"}, "", true},
		{"possible and ran", cell{}, "chroot", possible, ran, "possible", true},
		{"a limit", cell{limit: "x"}, "chroot", nil, failed, "not covered: x", true},
		{"a limit that is gone", cell{limit: "x"}, "chroot", fired, failed, "no longer a limit", false},
		{"a limit that was none", cell{limit: "x"}, "chroot", nil, ran, "no longer a limit", false},
		{"a false alarm", cell{alarm: "x"}, "chroot", likely, ran, "false alarm: x", true},
		{"a proven false alarm", cell{alarm: "x"}, "chroot", fired, ran, "no longer a false alarm", false},
		{"a false alarm that is gone", cell{alarm: "x"}, "chroot", nil, ran, "no longer a false alarm", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			remark, agreed := tt.cell.judge(tt.engine, tt.finding, tt.seen)
			if agreed != tt.agreed || !strings.HasPrefix(remark, tt.remark) || tt.remark == "" && remark != "" {
				t.Errorf("got %q, %v, want %q, %v", remark, agreed, tt.remark, tt.agreed)
			}
		})
	}
}
