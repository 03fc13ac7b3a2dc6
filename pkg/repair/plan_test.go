package repair_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/source"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestMultiStage plans each Dockerfile of testdata/multistage anew: want.Dockerfile is the whole text, want.error why not.
func TestMultiStage(t *testing.T) {
	files, err := filepath.Glob("testdata/multistage/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			crlf := strings.Contains(string(ar.Comment), "CRLF")
			s, want := subjectOf(t, ar, crlf)
			got := map[string]string{}
			plan, err := repair.MultiStage(s)
			if err != nil {
				got["want.error"] = err.Error() + "\n"
			} else {
				text := string(plan.Dockerfile())
				checkRewritten(t, s, text)
				if crlf {
					if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
						t.Error("a line ends otherwise than the lines of the file")
					}
					text = strings.ReplaceAll(text, "\r\n", "\n")
				}
				got["want.Dockerfile"] = "# " + string(plan.Safety) + "\n" + text
			}
			compareSections(t, file, ar, want, got)
		})
	}
}

// subjectOf makes a subject of a case; sections whose names begin with want. are returned.
func subjectOf(t *testing.T, ar *txtar.Archive, crlf bool) (*audit.Subject, map[string]string) {
	t.Helper()
	root, want := fstest.MapFS{}, map[string]string{}
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "want.") {
			want[f.Name] = string(f.Data)
			continue
		}
		if crlf {
			f.Data = []byte(strings.ReplaceAll(string(f.Data), "\n", "\r\n"))
		}
		root[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return planned(t, root), want
}

func planned(t *testing.T, root fstest.MapFS) *audit.Subject {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", root["Dockerfile"].Data, dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f}
	if s.Context, err = dockerfile.NewContext("", root, ""); err != nil {
		t.Fatal(err)
	}
	if root["go.mod"] != nil {
		if s.Module, err = source.ReadModule(root); err != nil {
			t.Fatal(err)
		}
	}
	s.Prepare()
	return s
}

// checkRewritten holds a plan to what every plan must keep: comments, the findings of the file but for the one that it is
// about, the settings of the image, and that planning it again is refused.
func checkRewritten(t *testing.T, before *audit.Subject, text string) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	after := &audit.Subject{Dockerfile: f, Context: before.Context, Module: before.Module}
	after.Prepare()
	had := map[string]int{}
	for _, x := range audit.Run(before, rules.All()).Findings {
		had[x.Rule]++
	}
	for _, x := range audit.Run(after, rules.All()).Findings {
		if had[x.Rule]--; had[x.Rule] < 0 && x.Rule != "base-unpinned" || x.Rule == "single-stage" {
			t.Errorf("a new finding: %s: %s", x.Rule, x.Message)
		}
	}
	for line := range strings.Lines(string(before.Dockerfile.Source)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") && !strings.Contains(text, line) {
			t.Errorf("the comment is lost: %s", line)
		}
	}
	was, is := before.Dockerfile.Final(), f.Final()
	if was.WorkDir.Value != is.WorkDir.Value || was.User.Value != is.User.Value || was.StopSignal.Value != is.StopSignal.Value {
		t.Errorf("working directory, user, stop signal are %q %q %q, were %q %q %q", is.WorkDir.Value, is.User.Value, is.StopSignal.Value, was.WorkDir.Value, was.User.Value, was.StopSignal.Value)
	}
	if _, err := repair.MultiStage(after); err == nil {
		t.Error("the plan is planned again")
	}
}

// compareSections compares the want sections of a case, or rewrites them.
func compareSections(t *testing.T, file string, ar *txtar.Archive, want, got map[string]string) {
	t.Helper()
	if *update {
		var kept []txtar.File
		for _, f := range ar.Files {
			if !strings.HasPrefix(f.Name, "want.") {
				f.Data = []byte(strings.ReplaceAll(string(f.Data), "\r\n", "\n"))
				kept = append(kept, f)
			}
		}
		for _, name := range []string{"want.Dockerfile", "want.dockerignore", "want.notes", "want.error"} {
			if got[name] != "" {
				kept = append(kept, txtar.File{Name: name, Data: []byte(got[name])})
			}
		}
		ar.Files = kept
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range want {
		if got[name] == "" {
			t.Errorf("%s is wanted, and there is none", name)
		}
	}
	for name, text := range got {
		if text != want[name] {
			t.Errorf("%s: got\n%s\nwant\n%s", name, text, want[name])
		}
	}
}

// TestMultiStageSafety asks for a binary that shows all it needs before a plan is called safe.
func TestMultiStageSafety(t *testing.T) {
	const text = "FROM golang:1.26\nWORKDIR /app\nCOPY . .\nRUN go build -o main .\nCMD [\"./main\"]\n"
	program := func(needs ...binary.Need) *binary.Binary {
		return &binary.Binary{Path: "/app/main", ELF: &binary.ELF{}, Go: &binary.GoInfo{}, Needs: needs}
	}
	opaque := program()
	opaque.Opaque = "packed with UPX"
	for _, test := range []struct {
		name   string
		binary *binary.Binary
		file   string // one more of the context
		want   audit.Safety
	}{
		{"no binary", nil, "page.html", audit.Unsafe},
		{"needs nothing", program(), "page.html", audit.Safe},
		{"a file is left behind", program(), "README.md", audit.Unsafe},
		{"opens a file", program(binary.Need{Topic: binary.TopicFiles, Names: []string{"/etc/app.conf"}}), "page.html", audit.Unsafe},
		{"opens a file that is shipped", program(binary.Need{Topic: binary.TopicFiles, Names: []string{"/app/page.html"}}), "page.html", audit.Safe},
		{"cannot be looked into", opaque, "page.html", audit.Unsafe},
	} {
		s := planned(t, fstest.MapFS{"Dockerfile": {Data: []byte(text)}, "main.go": {Data: []byte("package main\n\nfunc main() {}\n")},
			"go.mod": {Data: []byte("module example.com/app\n")}, test.file: {Data: []byte("x")}})
		if test.binary != nil {
			s.Programs = []*audit.Program{{Binary: test.binary, Entry: true}}
		}
		plan, err := repair.MultiStage(s)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if plan.Safety != test.want {
			t.Errorf("%s: %s, want %s", test.name, plan.Safety, test.want)
		}
	}
}
