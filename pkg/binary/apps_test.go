package binary_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/apps/*/want.json")
	all    = flag.Bool("all", false, "build every program in every variant, not only those that read differently")
)

const apps = "../../testdata/apps"

// variant is a way to build a program. What it needs is the same in all, but for the loader.
type variant struct {
	name   string
	env    []string
	args   []string
	loader []string // the interpreters it may have, "" for none
	cgo    bool
}

const (
	amd64Loader = "/lib64/ld-linux-x86-64.so.2"
	none        = ""
)

// variants, the most used first.
var variants = []variant{
	{name: "stripped", env: []string{"CGO_ENABLED=0"}, args: []string{"-trimpath", "-ldflags=-s -w -buildid="}, loader: []string{none}},
	{name: "default", env: []string{"CGO_ENABLED=0"}, loader: []string{none}},
	{name: "pie", env: []string{"CGO_ENABLED=0"}, args: []string{"-buildmode=pie", "-ldflags=-s -w"}, loader: []string{amd64Loader}},
	{name: "cgo", env: []string{"CGO_ENABLED=1"}, args: []string{"-ldflags=-s -w"}, loader: []string{none, amd64Loader}, cgo: true},
	{name: "cgopie", env: []string{"CGO_ENABLED=1"}, args: []string{"-buildmode=pie", "-ldflags=-s -w -linkmode=external"}, loader: []string{amd64Loader}, cgo: true},
	{name: "arm64", env: []string{"CGO_ENABLED=0", "GOARCH=arm64"}, args: []string{"-ldflags=-s -w"}, loader: []string{none}},
}

// want is what a program is expected to need.
type want struct {
	Needs     []wantNeed       `json:"needs"`
	Signals   bool             `json:"signals"`
	Handled   []int            `json:"handled,omitempty"`
	Ignored   []int            `json:"ignored,omitempty"`
	All       bool             `json:"all,omitempty"`
	Unknown   bool             `json:"unknown,omitempty"`
	Listens   binary.Certainty `json:"listens"` // "" if it does not
	Shutdown  bool             `json:"shutdown"`
	Ports     []int            `json:"ports,omitempty"`
	Profiling binary.Certainty `json:"profiling,omitempty"`
	Features  []string         `json:"features"`
	Stubs     []string         `json:"stubs,omitempty"`   // package, certainty
	Secrets   []string         `json:"secrets,omitempty"` // shapes
}

type wantNeed struct {
	Topic     binary.Topic     `json:"topic"`
	Certainty binary.Certainty `json:"certainty"`
	Names     []string         `json:"names,omitempty"`
}

// summary is what of a Binary does not depend on how it was built.
func summary(b *binary.Binary) want {
	w := want{
		Needs: []wantNeed{}, Signals: b.Signals.Notify, Handled: b.Signals.Handled, Ignored: b.Signals.Ignored, All: b.Signals.All, Unknown: b.Signals.Unknown,
		Listens: b.Server.Certainty, Shutdown: b.Server.Shutdown, Ports: b.Server.Ports, Profiling: b.Server.Profiling, Features: []string{},
	}
	for _, n := range b.Needs {
		names := n.Names
		if n.Topic == binary.TopicResolver { // checked by variant
			names = nil
		}
		if n.Topic != binary.TopicLoader && n.Topic != binary.TopicLibraries {
			w.Needs = append(w.Needs, wantNeed{n.Topic, n.Certainty, names})
		}
	}
	for _, s := range b.Stubs {
		w.Stubs = append(w.Stubs, s.Package+" "+string(s.Certainty))
	}
	for _, s := range b.Secrets {
		w.Secrets = append(w.Secrets, s.Shape)
	}
	for _, f := range b.Features {
		w.Features = append(w.Features, f.Name)
	}
	return w
}

// telling are the programs that take the most of what differs between machines and build modes: constants, jump
// tables, relocated data, inlining.
var telling = []string{
	"command-table", "dead-import", "exec-self", "handler-type", "https-request", "tls-insecure", "zone-mixed", "zone-switch",
	"files-named", "serve-default", "serve-profiles", "signal-ignore", "signal-two", "signal-variable", "signal-wrapper", "plugin-open", "reflection-exec", "temp-made", "tls-insecure-if", "tls-own-roots", "user-group",
}

func TestApps(t *testing.T) {
	dirs, err := filepath.Glob(apps + "/*/main.go")
	if err != nil || len(dirs) < 20 {
		t.Fatalf("%d programs in %s, %v", len(dirs), apps, err)
	}
	names := make([]string, len(dirs))
	for i, d := range dirs {
		names[i] = filepath.Base(filepath.Dir(d))
	}
	for i, v := range variants {
		if i > 0 && (testing.Short() || *update) {
			break
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			names := names
			if i > 0 && !*all {
				names = telling
			}
			out := v.build(t, names)
			for _, name := range names {
				t.Run(name, func(t *testing.T) { v.check(t, filepath.Join(out, name), name) })
			}
		})
	}
}

// build builds the programs by one command, which shares what they have in common.
func (v variant) build(t *testing.T, names []string) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); v.cgo && err != nil {
		t.Skip("no C compiler: gcc is not in $PATH")
	}
	out := t.TempDir() + "/"
	args := append([]string{"build", "-p=2", "-o", out}, v.args...)
	for _, name := range names {
		args = append(args, apps+"/"+name)
	}
	c := exec.Command("go", args...)
	c.Env = append(append(os.Environ(), "GOARCH=amd64", "GOFLAGS=-buildvcs=false"), v.env...)
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return out
}

// check reads a program and compares it with its want.json.
func (v variant) check(t *testing.T, file, name string) {
	b := readFile(t, file)
	if b.Go == nil || b.Opaque != "" {
		t.Fatalf("Go = %v, Opaque = %q", b.Go, b.Opaque)
	}
	if !slices.Contains(v.loader, b.ELF.Interpreter) {
		t.Errorf("interpreter %q, want one of %q", b.ELF.Interpreter, v.loader)
	}
	got, err := json.MarshalIndent(summary(b), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join(apps, name, "want.json")
	if special := filepath.Join(apps, name, "want.cgo.json"); v.cgo && exists(special) {
		golden = special
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, text) {
		evidence, _ := json.MarshalIndent(b.Needs, "", "  ")
		t.Errorf("needs\n%swant\n%s%s", got, text, evidence)
	}
	for _, n := range b.Needs {
		if len(n.Evidence) == 0 {
			t.Errorf("%s has no evidence", n.Topic)
		}
	}
	if n, ok := b.Need(binary.TopicResolver); ok && !slices.Equal(n.Names, []string{v.resolver()}) {
		t.Errorf("resolver %q, want %q", n.Names, v.resolver())
	}
}

// resolver is what net looks names up with.
func (v variant) resolver() string {
	if v.cgo {
		return binary.ResolverCgo
	}
	return binary.ResolverGo
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readFile(t testing.TB, name string) *binary.Binary {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := binary.Read(f, info.Size(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
