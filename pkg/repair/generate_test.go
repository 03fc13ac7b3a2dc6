package repair_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/source"
)

var (
	glibcELF = &binary.ELF{Arch: "amd64", Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"},
		VersionNeeds: []binary.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.2.5", "GLIBC_2.34"}}}}
	need = func(t binary.Topic, text string, names ...string) binary.Need {
		return binary.Need{Topic: t, Certainty: binary.Proven, Names: names, Evidence: []binary.Evidence{{Text: text, Path: []string{"main.main", "main.serve"}}}}
	}
)

// requests are what TestGenerate asks for, each with a file in testdata/generate.
var requests = map[string]func() repair.Request{
	"static": func() repair.Request { return prebuilt(&binary.ELF{Arch: "amd64"}) },
	"all-needs": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "arm64"})
		r.Binary.Go.Version = "go1.15.15"
		r.Binary.Needs = []binary.Need{
			need(binary.TopicCARoots, "calls crypto/tls.Dial"), need(binary.TopicZoneinfo, `calls time.LoadLocation("Asia/Tokyo")`, "Asia/Tokyo"),
			need(binary.TopicTempDir, `calls os.CreateTemp("/var/spool/app", ...)`, "/var/spool/app", "/dev/shm/x"),
			need(binary.TopicUserDatabase, `calls os/user.Lookup("backup")`, "backup"), need(binary.TopicResolver, "calls net.LookupHost", binary.ResolverGo),
			need(binary.TopicExec, `calls os/exec.Command("git")`, "git"),
		}
		r.Binary.Server = binary.Server{Listens: true, Certainty: binary.Proven, Ports: []int{80, 9090}}
		r.Binary.Signals = binary.Signals{Notify: true, Handled: []int{2}}
		r.Health = []string{"health", "--deep"}
		return r
	},
	"shell": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64"})
		r.Binary.Needs = []binary.Need{need(binary.TopicExec, `calls os/exec.Command("sh")`, "sh")}
		return r
	},
	"glibc": func() repair.Request { return prebuilt(glibcELF) },
	"glibc-new": func() repair.Request {
		elf := *glibcELF
		elf.VersionNeeds = []binary.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.42"}}}
		return prebuilt(&elf)
	},
	"glibc-future": func() repair.Request {
		elf := *glibcELF
		elf.VersionNeeds = []binary.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.99"}}}
		return prebuilt(&elf)
	},
	"c-plus-plus": func() repair.Request {
		elf := *glibcELF
		elf.Needed = []string{"libstdc++.so.6", "libvips.so.42", "libc.so.6"}
		return prebuilt(&elf)
	},
	"musl": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64", Interpreter: "/lib/ld-musl-x86_64.so.1", Needed: []string{"libc.musl-x86_64.so.1"}})
		r.Binary.Needs = []binary.Need{need(binary.TopicCARoots, "calls crypto/tls.Dial")}
		return r
	},
	"opaque": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64"})
		r.Binary.Opaque = "packed with UPX"
		return r
	},
	"own-base": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64"})
		r.Base = "registry.example.com/static@sha256:" + strings.Repeat("0", 64)
		r.Binary.Needs = []binary.Need{need(binary.TopicCARoots, "calls crypto/tls.Dial"), need(binary.TopicTempDir, "calls os.CreateTemp")}
		return r
	},
	"own-builder": func() repair.Request {
		r := built("go 1.26\n")
		r.Builder = "registry.example.com/team/go-tools:7"
		return r
	},
	"tags-of-the-binary": func() repair.Request {
		r := built("go 1.26\n")
		r.Binary = &binary.Binary{ELF: &binary.ELF{Arch: "amd64"}, Go: &binary.GoInfo{Version: "go1.26.1", Settings: map[string]string{"-tags": "netgo,prod", "-ldflags": `-extldflags "-static"`}}}
		return r
	},
	"files-and-secrets": func() repair.Request {
		r := built("go 1.26\n")
		r.Uses.Files = map[string]string{".env": "Load in main.go:3", "tls/key.pem": "LoadX509KeyPair in main.go:4", "pages": "ParseGlob in main.go:5", "code": "ReadDir in main.go:6", "web/a.md": "ReadFile in main.go:7"}
		r.Uses.Embeds = []string{"web"}
		files := r.Context.(fstest.MapFS)
		for _, name := range []string{".env", "tls/key.pem", "pages/a.html", "pages/README.md", "code/x.go", "web/a.md"} {
			files[name] = &fstest.MapFile{Data: []byte("x")}
		}
		return r
	},
	"absolute-replacement": func() repair.Request {
		return built("go 1.26\n\nrequire example.org/x v1.0.0\n\nreplace example.org/x => /home/me/x\n")
	},
	"ignored-binary": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64"})
		r.Context.(fstest.MapFS)[".dockerignore"] = &fstest.MapFile{Data: []byte("bin\n")}
		return r
	},
	"release-candidate": func() repair.Request { return built("go 1.28rc1\n") },
	"no-go-sum":         func() repair.Request { return built("go 1.26\n\nrequire example.org/x v1.0.0\n") },
	"from-image": func() repair.Request {
		r := prebuilt(&binary.ELF{Arch: "amd64"})
		img := &layers.Image{Config: layers.Config{User: "1001", WorkingDir: "/", Env: []string{"PATH=/bin", `MOTTO=say "hi" for $5`, "TZ=Europe/Paris"}, Cmd: []string{"/srv/app", "-v"},
			ExposedPorts: []string{"53/udp", "8080/tcp"}, Volumes: []string{"/data"}, Labels: map[string]string{"b": "2", "a": "x y"}}}
		r.Image = &audit.Subject{Image: img, Programs: []*audit.Program{{Binary: r.Binary, Entry: true}}}
		r.Binary.Path, r.Context, r.Prebuilt, r.ImageRef = "/srv/app", nil, "", "registry.example.com/app:1"
		return r
	},
}

func prebuilt(elf *binary.ELF) repair.Request {
	return repair.Request{Context: fstest.MapFS{"bin/app": {Mode: 0o755}}, Prebuilt: "bin/app", Now: day,
		Binary: &binary.Binary{ELF: elf, Go: &binary.GoInfo{Version: "go1.26.1"}}}
}

func built(mod string) repair.Request {
	m, err := source.ParseModule([]byte("module example.com/app\n\n" + mod))
	if err != nil {
		panic(err)
	}
	return repair.Request{Context: fstest.MapFS{"go.mod": {}, "main.go": {Data: []byte("package main\n")}}, Module: m,
		Main: &source.Main{Dir: ".", Name: "app"}, Uses: &source.Uses{}, Now: day}
}

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// TestGenerate compares whole files with testdata/generate/NAME.txtar, and holds each to the rules: nothing but base
// images without a digest may be said of it.
func TestGenerate(t *testing.T) {
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "generate", name+".txtar")
			ar, err := txtar.ParseFile(file)
			if err != nil && !(*update && os.IsNotExist(err)) {
				t.Fatal(err)
			}
			if ar == nil {
				ar = &txtar.Archive{}
			}
			want, got := map[string]string{}, map[string]string{}
			for _, f := range ar.Files {
				want[f.Name] = string(f.Data)
			}
			r := request()
			plan, err := repair.Generate(r)
			if err != nil {
				got["want.error"] = err.Error() + "\n"
			} else {
				got["want.Dockerfile"], got["want.dockerignore"] = string(plan.Dockerfile()), string(plan.Dockerignore())
				got["want.notes"] = strings.Join(append(plan.Notes, ""), "\n")
				judge(t, plan, r)
			}
			for section, text := range got {
				if text == "" {
					delete(got, section)
				}
			}
			compareSections(t, file, ar, want, got)
		})
	}
}

func judge(t *testing.T, plan *repair.Plan, r repair.Request) {
	t.Helper()
	text := string(plan.Dockerfile())
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s := &audit.Subject{Dockerfile: f, Module: r.Module, Now: r.Now}
	if r.Context != nil {
		if s.Context, err = plan.Context(r.Context, ""); err != nil {
			t.Fatal(err)
		}
	}
	s.Prepare()
	for _, x := range audit.Run(s, rules.All()).Findings {
		if x.Rule != "base-unpinned" || x.Severity != audit.Note {
			t.Errorf("%s: %s: %s", x.Severity, x.Rule, x.Message)
		}
	}
	// What the templates of the articles have, which does nothing or does not build: requirements 3-02 and 3-31.
	for _, stage := range f.Stages {
		for _, in := range stage.Instructions {
			if in.Run == nil {
				continue
			}
			for _, b := range in.Run.Builds {
				_, all := b.Flag("a")
				ldflags, _ := b.Flag("ldflags")
				if all || strings.Contains(ldflags.Value, "static") {
					t.Errorf("a flag that does nothing: %s", f.Text(b.Span))
				}
				if b.Env["CGO_ENABLED"] == "1" && strings.Contains(stage.Base, "alpine") && !strings.Contains(text, "gcc musl-dev") {
					t.Errorf("cgo without a compiler")
				}
			}
		}
	}
}

// TestPin adds digests to images, and not to stages.
func TestPin(t *testing.T) {
	plan, err := repair.Generate(built("go 1.26\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan.Images(), " "); got != "golang:1.26" {
		t.Errorf("images %q", got)
	}
	plan.Pin(map[string]string{"golang:1.26": "sha256:abc", "scratch": "sha256:def"})
	if text := string(plan.Dockerfile()); !strings.Contains(text, "golang:1.26@sha256:abc AS build") || strings.Contains(text, "def") {
		t.Errorf("got\n%s", text)
	}
}
