package repair_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// corrected is a text after all fixes of all rules, unsafe ones too.
func corrected(t *testing.T, src string) *dockerfile.File {
	t.Helper()
	s := subject(t, src, nil)
	c, err := repair.Correct(s, rules.All(), repair.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Files) == 0 {
		return s.Dockerfile
	}
	t.Log(repair.Diff(c.Files))
	return subject(t, string(c.Files[0].After), nil).Dockerfile
}

// count is how many instructions of a stage have a keyword.
func count(s *dockerfile.Stage, keyword string) int {
	n := 0
	for _, in := range s.Instructions {
		if in.Keyword == keyword {
			n++
		}
	}
	return n
}

// TestDamage holds what fixers of Dockerfiles are known to break.
func TestDamage(t *testing.T) {
	t.Run("a WORKDIR that swallows the output", func(t *testing.T) {
		f := corrected(t, "FROM golang:1.26 AS build\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n")
		if build := f.Stages[0]; build.WorkDir.Value == "/app" || build.Instructions[len(build.Instructions)-1].Run.Builds[0].Output != "/app" {
			t.Errorf("go build writes to %q in %q", build.Instructions[len(build.Instructions)-1].Run.Builds[0].Output, build.WorkDir.Value)
		}
	})
	t.Run("a cache mount that a later COPY reads", func(t *testing.T) {
		f := corrected(t, "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\n"+
			"FROM scratch\nCOPY --from=build /go/pkg/mod/example.com/tpl@v1.0.0 /tpl\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n")
		for _, in := range f.Stages[0].Instructions {
			if in.Run != nil && slices.ContainsFunc(in.Run.Mounts, func(m dockerfile.Mount) bool { return m.Type == "cache" && strings.HasPrefix(m.Target, "/go") }) {
				t.Errorf("line %d has a cache mount over what the final stage copies", in.Span.Start.Line)
			}
		}
	})
	t.Run("a cache mount of another user", func(t *testing.T) {
		f := corrected(t, "FROM golang:1.26 AS build\nUSER 65532\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /tmp/app .\n"+
			"FROM scratch\nCOPY --from=build /tmp/app /app\nENTRYPOINT [\"/app\"]\n")
		for _, in := range f.Stages[0].Instructions {
			for _, x := range in.Flags {
				if x.Name == "mount" && strings.Contains(x.Value, "type=cache") && !strings.Contains(x.Value, "uid=65532") {
					t.Errorf("line %d has a cache mount that belongs to root: %s", in.Span.Start.Line, x.Value)
				}
			}
		}
	})
	t.Run("quotes that change words", func(t *testing.T) {
		for _, entrypoint := range []string{"ENTRYPOINT exec /app $OPTS", "ENTRYPOINT /app --port=$PORT", "ENTRYPOINT /app *.conf", "ENTRYPOINT /app ~/x", "ENTRYPOINT /app && true"} {
			f := corrected(t, "FROM scratch\nCOPY app /app\n"+entrypoint+"\n")
			if got := f.Text(f.Final().Entrypoint.By.Span); got != entrypoint {
				t.Errorf("%s became %s", entrypoint, got)
			}
		}
	})
	t.Run("a comment inside a continuation", func(t *testing.T) {
		const run = "RUN apk add --no-cache \\\n    # roots\n    ca-certificates \\\n\n    tzdata && \\\n    CGO_ENABLED=0 go build -o /app ."
		f := corrected(t, "FROM golang:1.26-alpine AS build\nCOPY . .\n"+run+"\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n")
		if !strings.Contains(string(f.Source), "\n    # roots\n") {
			t.Errorf("the comment is lost: %s", f.Source)
		}
		if n := count(f.Stages[0], "RUN"); n != 1 {
			t.Errorf("%d RUN", n)
		}
	})
}
