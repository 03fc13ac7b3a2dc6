package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestKnownBase runs all rules over the Dockerfiles of all cases with a base image that is known and sets everything: no
// rule takes what comes from there for a line of the Dockerfile.
func TestKnownBase(t *testing.T) {
	base := &dockerfile.Base{
		Env: []string{
			"PATH=/usr/local/go/bin:/bin", "GOLANG_VERSION=1.22.1", "GOTOOLCHAIN=local", "GOPATH=/go", "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=1",
			"GOMEMLIMIT=1x", "GODEBUG=netdns=cgo", "GOMAXPROCS=2", "TZ=Europe/Berlin", "GOFLAGS=-mod=mod", "LEFT_BY_BASE_TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345", "SSL_CERT_FILE=/none",
		},
		User: "app", WorkDir: "/app", StopSignal: "SIGKILL",
		Entrypoint: []string{"/bin/sh", "-c", "/app $X"}, Cmd: []string{"serve"}, Shell: []string{"/bin/bash", "-c"},
		Healthcheck: []string{"CMD-SHELL", "curl -f http://127.0.0.1/"},
		OnBuild:     []string{"ARG TOKEN", "COPY . /src", "RUN cd /src && go build -o /app/app .", "ENV A=$TOKEN", "USER $A"},
	}
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range txtar.Parse(data).Files {
			if section.Name != "Dockerfile" {
				continue
			}
			f, err := dockerfile.Parse("Dockerfile", section.Data, dockerfile.Options{Bases: func(string, string) *dockerfile.Base { return base }})
			if err != nil {
				continue // the triggers may need what the case has not
			}
			parsed++
			s := &audit.Subject{Dockerfile: f}
			s.Prepare()
			for _, finding := range audit.Run(s, rules.All()).Findings {
				if finding.Location == nil || finding.Location.Line == 0 {
					t.Errorf("%s: a finding without a line: %+v", name, finding)
				}
				if strings.Contains(finding.Message, "LEFT_BY_BASE_TOKEN") {
					t.Errorf("%s: the base image's variable is taken for the Dockerfile's: %s", name, finding.Message)
				}
				if finding.Fix == nil {
					continue
				}
				for _, e := range finding.Fix.Edits {
					if e.Path == "" && e.Span.IsZero() {
						t.Errorf("%s: %s edits nowhere", name, finding.Rule)
					}
				}
			}
		}
	}
	if parsed < 300 {
		t.Errorf("only %d Dockerfiles", parsed)
	}
}
