package builds

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lab"
)

const compiled = `FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /app .

FROM scratch
COPY --from=build /app /app
`

// TestFixProve corrects Dockerfiles as a user does: what only the built image shows is corrected, too, and what is not
// proven is not handed out.
func TestFixProve(t *testing.T) {
	l := need(t)
	command := filepath.Join(t.TempDir(), "imgaudit")
	if out, err := exec.Command("go", "build", "-o", command, "../../cmd/imgaudit").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("BUILDKIT_HOST", l.Socket)
	t.Setenv("PATH", os.Getenv("PATH")+":"+filepath.Join(l.Work, "bin"))
	for _, c := range []struct {
		name, program, rest string
		args                []string
		code                int
		diff                []string // lines that the diff has, nil for no diff
		says                string
	}{
		{"what only the image shows", "service", "USER 65532:65532\nENTRYPOINT [\"/app\"]\n", nil, 0,
			[]string{"+COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/", "+RUN mkdir -p -m 1777 /rootfs/tmp", "+RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -tags timetzdata -ldflags=\"-s -w\" -o /app ."},
			"proven: what was corrected is gone"},
		{"a correction that breaks it", "writer", "ENTRYPOINT [\"/app\", \"/var/lib/app/file\"]\n", []string{"--unsafe", "--rule", "runs-as-root"}, 3, nil, "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			source, err := os.ReadFile("../../pkg/prove/testdata/" + c.program + "/main.go")
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "main.go", source)
			write(t, dir, "go.mod", []byte("module example.com/app\n\ngo 1.26\n"))
			write(t, dir, "Dockerfile", []byte(compiled+c.rest))
			fix := func(more ...string) (code int, stdout, stderr string) {
				cmd := exec.Command(command, append(append([]string{"fix", "--prove", "--engine", "buildkit", "--build-context", "golang:1.26=docker-image://" + l.Images["golang"], "."}, c.args...), more...)...)
				cmd.Dir = dir
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				return exitCode(cmd.Run()), out.String(), errs.String()
			}
			code, diff, said := fix()
			if code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, "a build has to prove it") {
				t.Errorf("exit code %d, want %d, and %q in\n%s", code, c.code, c.says, lab.Tail(said, 40))
			}
			for _, line := range c.diff {
				if !strings.Contains(diff, "\n"+line+"\n") {
					t.Errorf("no %s in\n%s", line, diff)
				}
			}
			if c.diff == nil && diff != "" {
				t.Errorf("it hands out\n%s", diff)
			}
			if code, _, said := fix("-w"); code != c.code {
				t.Errorf("-w: exit code %d\n%s", code, lab.Tail(said, 40))
			}
			text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
			if err != nil {
				t.Fatal(err)
			}
			if written := string(text) != compiled+c.rest; written != (c.diff != nil) {
				t.Errorf("written: %v\n%s", written, text)
			}
			if c.diff == nil {
				return
			}
			if code, diff, said := fix("--check"); code != 0 || diff != "" {
				t.Errorf("a second time: exit code %d\n%s%s", code, diff, lab.Tail(said, 40))
			}
		})
	}
}
