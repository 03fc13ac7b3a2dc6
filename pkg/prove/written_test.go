package prove_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// TestWrites: what a program writes as it was built is seen, with every runner the same, and foretells what happens where it
// may not write.
func TestWrites(t *testing.T) {
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman} {
		t.Run(string(kind), func(t *testing.T) {
			e := engine(t, kind)
			image := archive(t, layers.Config{Entrypoint: []string{"/app", "/var/lib/app/new/log", "/var/lib/app/old", "/data/volume", "/tmp/x"}, Volumes: []string{"/data"}},
				layers.File{Path: "app", Mode: 0o755, Data: program(t, "writer")}, layers.File{Path: "var/lib/app/old", Data: []byte("old")},
				layers.File{Path: "var/lib/app/left", Data: []byte("left")}, layers.File{Path: "tmp/", Mode: os.ModeDir | os.ModeSticky | 0o777})
			p := run(t, e, image, prove.Needs{}, "another user", "read-only root")
			if p.Outcome != audit.OutcomeHolds || len(p.Steps) != 3 {
				t.Fatalf("the proof %s, %d steps", p.Outcome, len(p.Steps))
			}
			if got, want := p.Steps[0].Observed.Writes, []string{"/tmp/x", "/var/lib/app/new/log", "/var/lib/app/old"}; !slices.Equal(got, want) {
				t.Errorf("it writes %q, want %q", got, want)
			}
			for i, want := range []string{"foretold by path-unwritable: exit code 1: ", "foretold by readonly-root-unwritable: exit code 1: "} {
				if s := p.Steps[i+1]; !strings.HasPrefix(s.Because, want) {
					t.Errorf("%s: %s, want %s", s.Name, s.Because, want)
				}
			}
		})
	}
}
