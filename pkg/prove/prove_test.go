package prove_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// engine gives a runner of this machine, or skips.
func engine(t *testing.T, kind prove.Kind) *prove.Engines {
	t.Helper()
	lab.NeedContainers(t)
	if kind == prove.Docker {
		lab.Docker(t)
	}
	e, err := prove.FindRunner(t.Context(), kind)
	if err != nil {
		lab.Lacking(t, "%v", err)
	}
	return &prove.Engines{Run: e}
}

// program compiles a program of testdata, statically.
func program(t *testing.T, name string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app")
	cmd := exec.Command("go", "build", "-trimpath", "-o", file, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", name, err, out)
	}
	return read(t, file)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// archive writes an image of files as an archive.
func archive(t *testing.T, config layers.Config, files ...layers.File) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	imagetest.WriteOCIArchive(t, file, "", imagetest.Image{Config: config, Layers: [][]layers.File{files}}.Build(t))
	return file
}

// run proves an archive.
func run(t *testing.T, e *prove.Engines, archive string, needs prove.Needs, only ...string) *audit.Proof {
	t.Helper()
	store, err := cache.Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p, err := prove.Prove(t.Context(), prove.Options{Engines: e, Archive: archive, Needs: needs, Only: only, RulesFor: rulesFor, Audit: auditing(store), Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rulesFor(message string) (ids []string) {
	for _, r := range rules.ForMessage(message) {
		ids = append(ids, r.ID)
	}
	return ids
}

// auditArchive audits an archive.
func auditArchive(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
	return auditing(nil)(ctx, archive)
}

// auditing audits archives; the cache has what is known of the layers that they share.
func auditing(store *cache.Store) func(context.Context, string) (*audit.Subject, *audit.Result, error) {
	return func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
		subjects, err := target.Subjects(ctx, []string{"oci-archive:" + archive}, target.Options{Now: time.Now(), Cache: store})
		if err != nil {
			return nil, nil, err
		}
		result := audit.Run(subjects[0], rules.All())
		target.Finish(subjects)
		return subjects[0], result, nil
	}
}

// complete is what the service needs.
func complete(t *testing.T) []layers.File {
	return []layers.File{
		{Path: "app", Mode: 0o755, Data: program(t, "service")},
		{Path: "etc/ssl/certs/ca-certificates.crt", Data: read(t, "/etc/ssl/certs/ca-certificates.crt")},
		{Path: "usr/share/zoneinfo/Europe/Berlin", Data: read(t, "/usr/share/zoneinfo/Europe/Berlin")},
		{Path: "tmp/", Mode: os.ModeDir | os.ModeSticky | 0o777},
		{Path: "etc/passwd", Data: []byte("root:x:0:0:root:/:/bin/false\n")},
	}
}

// TestService proves a service that has all it needs, under every condition: what goes wrong is what was foretold.
func TestService(t *testing.T) {
	var agree agreement
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman, prove.Docker} {
		t.Run(string(kind), func(t *testing.T) {
			e := engine(t, kind)
			p := run(t, e, archive(t, layers.Config{Entrypoint: []string{"/app"}, User: "65532:65532"}, complete(t)...), prove.Needs{})
			if p.Outcome != audit.OutcomeHolds {
				t.Errorf("the proof %s", p.Outcome)
			}
			want := map[string]string{ // what each condition's reason must say
				"as built": "answers 200; verified api.example.com; SIGTERM ends it", "read-only root": "foretold by readonly-root-unwritable", "no /tmp": "foretold by temp-dir-missing", "no CA roots": "foretold by ca-roots-missing",
				"expired CA roots": "foretold by ca-roots-expired", "no zoneinfo": "foretold by zoneinfo-missing", "SIGINT": "SIGINT ends it", "64 MiB of memory": "it goes as it was built", "half a CPU": "it goes as it was built, with GOMAXPROCS",
			}
			for _, s := range p.Steps {
				if !strings.Contains(s.Because, want[s.Name]) {
					t.Errorf("%s: %s, which does not say %q", s.Name, s.Because, want[s.Name])
				}
				delete(want, s.Name)
				agree.note(t, kind, s.Name, s.Observed)
			}
			for name := range want {
				t.Errorf("%s was not run", name)
			}
			if first := p.Steps[0].Observed; first.Stop == nil || first.Stop.Request != "answered" || first.Memory == 0 {
				t.Errorf("as built: %+v", first)
			}
		})
	}
}

// TestFaults proves images that fail as they were built: the finding and what happened are the same.
func TestFaults(t *testing.T) {
	var agree agreement
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman, prove.Docker} {
		t.Run(string(kind), func(t *testing.T) { faults(t, kind, &agree) })
	}
}

// everywhere are the faults that each engine meets in its own way.
var everywhere = []string{"an entrypoint that is not there", "one that may not be executed", "the same, told what it needs", "a health check whose program is not there", "no handler for the stop signal"}

func faults(t *testing.T, kind prove.Kind, agree *agreement) {
	e := engine(t, kind)
	plain := layers.File{Path: "app", Mode: 0o755, Data: program(t, "plain")}
	abrupt := layers.File{Path: "app", Mode: 0o755, Data: program(t, "abrupt")}
	for _, c := range []struct {
		name    string
		config  layers.Config
		files   []layers.File
		needs   prove.Needs
		outcome audit.Outcome
		because string
	}{
		{"an entrypoint that is not there", layers.Config{Entrypoint: []string{"/nothing"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "foretold by entrypoint-missing"},
		{"two faults at the start, of which one shows", layers.Config{Entrypoint: []string{"/nothing"}, Env: []string{"GOMEMLIMIT=512Mi"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "foretold by entrypoint-missing"},
		{"one that may not be executed", layers.Config{Entrypoint: []string{"/app"}}, []layers.File{{Path: "app", Mode: 0o644, Data: plain.Data}}, prove.Needs{}, audit.OutcomeHolds, "foretold by entrypoint-not-executable"},
		{"a value that the runtime cannot read", layers.Config{Entrypoint: []string{"/app"}, Env: []string{"GOMEMLIMIT=512Mi"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "foretold by environment-malformed"},
		{"a program that needs what is not here", layers.Config{Entrypoint: []string{"/app"}, Cmd: []string{"db:5432"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeUnproven, "error: no database at db:5432"},
		{"the same, told what it needs", layers.Config{Entrypoint: []string{"/app"}, Cmd: []string{"db:5432"}}, []layers.File{plain}, prove.Needs{Args: []string{}}, audit.OutcomeHolds, "foretold by stop-signal-unhandled"},
		{"a health check whose program is not there", layers.Config{Entrypoint: []string{"/app"}, Healthcheck: []string{"CMD", "/curl", "localhost"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "foretold by healthcheck-cannot-run"},
		{"a health check that fails", layers.Config{Entrypoint: []string{"/app"}, Healthcheck: []string{"CMD", "/app", "x"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeUnproven, "its health check ends with exit code 1"},
		{"a health check that succeeds the second time", layers.Config{Entrypoint: []string{"/app"}, Healthcheck: []string{"CMD", "/app", "warming"}}, []layers.File{plain, {Path: "tmp/", Mode: os.ModeDir | 0o777}}, prove.Needs{}, audit.OutcomeHolds, "foretold by stop-signal-unhandled"},
		{"a port at which the world would speak TLS", layers.Config{Entrypoint: []string{"/app"}, Env: []string{"ADDRESS=:443"}, ExposedPorts: []string{"443/tcp"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "the request under way was lost when SIGTERM ended it"},
		{"the same, of which neither code nor image says so", layers.Config{Entrypoint: []string{"/app"}, Env: []string{"ADDRESS=:443"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "the request under way was lost when SIGTERM ended it"},
		{"a handler that waits for no request", layers.Config{Entrypoint: []string{"/app"}}, []layers.File{abrupt}, prove.Needs{}, audit.OutcomeDiffers, "not foretold: the request under way was lost when SIGTERM ended it"},
		{"no handler for the stop signal", layers.Config{Entrypoint: []string{"/app"}}, []layers.File{plain}, prove.Needs{}, audit.OutcomeHolds, "stop-signal-unhandled"},
	} {
		if kind != prove.Runc && !slices.Contains(everywhere, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			p := run(t, e, archive(t, c.config, c.files...), c.needs, "as built")
			if len(p.Steps) != 1 {
				t.Fatalf("%d steps", len(p.Steps))
			}
			if s := p.Steps[0]; p.Outcome != c.outcome || !strings.Contains(s.Because, c.because) {
				t.Errorf("%s: %s; want %s: %s\n%+v", p.Outcome, s.Because, c.outcome, c.because, s.Observed)
			}
			if h := p.Steps[0].Observed.Health; slices.Contains(c.config.Healthcheck, "warming") && (h == nil || h.ExitCode != 0) {
				t.Errorf("the health check: %+v, want success", h)
			}
			agree.note(t, kind, c.name, p.Steps[0].Observed)
		})
	}
}
