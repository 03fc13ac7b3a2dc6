package rules_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	module "github.com/imgaudit/imgaudit/pkg/source"
)

// A case is a txtar archive. Its comment says what it shows. Its sections:
//
//	Dockerfile, .dockerignore     as they are
//	context                       paths of the build context, one per line; context/PATH gives one a content (context/go.mod: the module)
//	rootfs                        one path per line: MODE UID:GID [layer=N] [size=N] PATH [-> TARGET]; rootfs/PATH is a file's content,
//	                              a size without content makes a file that cannot be read
//	elf/PATH                      an ELF file of the image, as elftest.Spec
//	zone/PATH                     a time zone file of the image; for a PATH in .zip an archive of the zones listed
//	base.json                     dockerfile.Base, the config of every base image
//	config.json                   layers.Config, with "architecture" and "variant" beside it
//	history                       one step per line, "empty: " before one without a layer; made up from the Dockerfile if left out
//	provenance                    the base image as the builder's provenance has it, "NAME:TAG@DIGEST"
//	binary.json                   one executable: "path", "elf" (elftest.Spec), and the Go facts of binary.Binary
//	{{GitHub token}}, ..          anywhere: a secret, see expand
//	want.findings                 what the rule must say
//	want.skipped                  why it could not judge all
//	want.Dockerfile               the Dockerfile after its fixes; want..dockerignore, want.Dockerfile.dockerignore: the ignore file
type ruleCase struct {
	name     string
	archive  *txtar.Archive
	sections map[string][]byte
}

func parseCase(t *testing.T, name string, data []byte) *ruleCase {
	t.Helper()
	c := &ruleCase{name: name, archive: txtar.Parse(data), sections: map[string][]byte{}}
	for _, f := range c.archive.Files {
		c.sections[f.Name] = expand(t, f.Data)
	}
	return c
}

// change gives a file of the case another text.
func (c *ruleCase) change(name string, text []byte) {
	if name != "Dockerfile" && name != ".dockerignore" {
		name = "context/" + name
	}
	c.sections[name] = text
}

// below lists the sections under a prefix by the rest of their names.
func (c *ruleCase) below(prefix string) map[string][]byte {
	m := map[string][]byte{}
	for name, data := range c.sections {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			m[rest] = data
		}
	}
	return m
}

// subject puts the parts of the case together as pkg/target does for real ones.
func (c *ruleCase) subject(t *testing.T, source []byte) *audit.Subject {
	t.Helper()
	s := &audit.Subject{Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	if source != nil {
		f, err := dockerfile.Parse("Dockerfile", source, c.options(t))
		if err != nil && !errors.As(err, &s.Refused) {
			t.Fatalf("%s: %v", c.name, err)
		}
		s.Dockerfile = f
	}
	c.addContext(t, s)
	program := c.program(t)
	c.addImage(t, s, program)
	if program != nil {
		s.Programs = []*audit.Program{program}
		program.Entry = s.Image == nil
		if s.Image != nil {
			program.Linking = program.ELF.Resolve(s.Image.FS, program.Path, s.Image.Config.Env, false)
		}
	}
	s.Prepare()
	return s
}

// options tell of the base images what base.json does.
func (c *ruleCase) options(t *testing.T) dockerfile.Options {
	t.Helper()
	data, ok := c.sections["base.json"]
	if !ok {
		return dockerfile.Options{}
	}
	var base dockerfile.Base
	strict(t, c.name+" base.json", data, &base)
	return dockerfile.Options{Bases: func(string, string) *dockerfile.Base { return &base }}
}

func (c *ruleCase) addContext(t *testing.T, s *audit.Subject) {
	list, ok := c.sections["context"]
	if !ok {
		return
	}
	root := fstest.MapFS{}
	for _, name := range strings.Fields(string(list)) {
		root[name] = &fstest.MapFile{Data: listed(name), Mode: 0o644}
	}
	for name, data := range c.below("context/") {
		root[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	for _, name := range []string{"Dockerfile", ".dockerignore"} {
		if data, ok := c.sections[name]; ok {
			root[name] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
	}
	ctx, err := dockerfile.NewContext(".", root, "Dockerfile")
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	s.Context = ctx
	if s.Module, err = module.ReadModule(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s: %v", c.name, err)
	}
}

// listed is what a file of the context holds of which a case gives only the name.
func listed(name string) []byte {
	switch path.Base(name) {
	case "go.mod":
		return []byte("module example.com/app\n")
	case "go.work":
		return []byte("go 1.26\n\nuse .\n")
	}
	return []byte("x\n")
}

// program reads binary.json: the ELF part becomes a real ELF file that is read back, the Go facts are taken as given.
func (c *ruleCase) program(t *testing.T) *audit.Program {
	data, ok := c.sections["binary.json"]
	if !ok {
		return nil
	}
	var facts struct {
		binary.Binary
		ELF       elftest.Spec `json:"elf"`
		Toolchain bool         `json:"toolchain"`
	}
	strict(t, c.name+" binary.json", data, &facts)
	image := elf(t, facts.ELF)
	b, err := binary.Read(bytes.NewReader(image), int64(len(image)), facts.Path)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	b.Children = facts.Children
	b.Go, b.Opaque, b.Signals, b.Server, b.Features, b.Stubs = facts.Go, facts.Opaque, facts.Signals, facts.Server, facts.Features, facts.Stubs
	b.Secrets = facts.Secrets
	b.Needs, b.Layout, b.Size = append(b.Needs, facts.Needs...), facts.Layout, max(b.Size, facts.Size)
	c.sections["elf"+facts.Path] = []byte(jsonOf(t, facts.ELF))
	return &audit.Program{Binary: b, Toolchain: facts.Toolchain}
}

func elf(t *testing.T, s elftest.Spec) []byte {
	t.Helper()
	b, err := elftest.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// strict decodes JSON and refuses what it does not know: a misspelt field would make a case say nothing.
func strict(t *testing.T, what string, data []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (c *ruleCase) addImage(t *testing.T, s *audit.Subject, program *audit.Program) {
	_, hasConfig := c.sections["config.json"]
	_, hasRoot := c.sections["rootfs"]
	if !hasConfig && !hasRoot {
		return
	}
	config := struct {
		layers.Config
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	}{Architecture: "amd64"}
	if hasConfig {
		strict(t, c.name+" config.json", c.sections["config.json"], &config)
	}
	files := c.rootfs(t)
	tree, err := layers.New(files...)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	img := &layers.Image{Ref: "app", Source: "oci", Platform: layers.Platform{OS: "linux", Architecture: config.Architecture, Variant: config.Variant}, Config: config.Config, FS: tree}
	if base, ok := c.sections["provenance"]; ok {
		img.Provenance = &layers.Provenance{Base: strings.TrimSpace(string(base)), BaseLayers: 1}
	}
	img.History = c.history(t, s.Dockerfile)
	for i := range img.History {
		if img.History[i].Empty {
			img.History[i].Layer = -1
			continue
		}
		img.History[i].Layer = len(img.Layers)
		img.Layers = append(img.Layers, layers.Layer{Index: len(img.Layers), Digest: fmt.Sprintf("sha256:%064d", len(img.Layers)), Step: i, CreatedBy: img.History[i].CreatedBy})
	}
	if len(files) > len(img.Layers) {
		t.Fatalf("%s: rootfs has %d layers, the history only %d", c.name, len(files), len(img.Layers))
	}
	s.Image = img
	s.Identity = tree.Identity(img.Config.User)
	s.Process = img.Process(s.Identity)
}

// rootfs reads the rootfs section into layers.
func (c *ruleCase) rootfs(t *testing.T) [][]layers.File {
	var out [][]layers.File
	for _, line := range strings.Split(string(c.sections["rootfs"]), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f, layer := parseRootfsLine(t, c.name, line)
		if spec, ok := c.sections["elf"+f.Path]; ok {
			var s elftest.Spec
			strict(t, c.name+" elf"+f.Path, spec, &s)
			f.Data = elf(t, s)
		}
		if data, ok := c.sections["rootfs"+f.Path]; ok {
			f.Data = data
		}
		if zones, ok := c.sections["zone"+f.Path]; ok {
			f.Data = zoneFile(t, f.Path, strings.Fields(string(zones)))
		}
		for len(out) <= layer {
			out = append(out, nil)
		}
		out[layer] = append(out[layer], f)
	}
	return out
}

// zoneFile is the smallest time zone file (RFC 8536, one type, no transitions), or an archive of such.
func zoneFile(t *testing.T, name string, zones []string) []byte {
	t.Helper()
	zone := []byte("TZif" + strings.Repeat("\x00", 16+4*4) + "\x00\x00\x00\x01" + "\x00\x00\x00\x04" + "\x00\x00\x00\x00\x00\x00" + "UTC\x00")
	if path.Ext(name) != ".zip" {
		return zone
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, member := range zones {
		w, err := z.CreateHeader(&zip.FileHeader{Name: member, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(zone); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parseRootfsLine reads "-rwxr-xr-x 0:0 layer=1 /app -> /other".
func parseRootfsLine(t *testing.T, name, line string) (layers.File, int) {
	t.Helper()
	fields := strings.Fields(line)
	if len(fields) < 3 {
		t.Fatalf("%s: rootfs line %q has too few words", name, line)
	}
	uid, gid, _ := strings.Cut(fields[1], ":")
	f := layers.File{Mode: parseMode(t, name, fields[0]), UID: number(t, uid), GID: number(t, gid)}
	rest, layer := fields[2:], 0
	if n, ok := strings.CutPrefix(rest[0], "layer="); ok {
		layer, rest = number(t, n), rest[1:]
	}
	if n, ok := strings.CutPrefix(rest[0], "size="); ok {
		f.Size, rest = int64(number(t, n)), rest[1:]
	}
	f.Path = rest[0]
	if len(rest) == 3 && rest[1] == "->" {
		f.Link = rest[2]
	}
	return f, layer
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// parseMode reads the ten letters of ls -l.
func parseMode(t *testing.T, name, s string) fs.FileMode {
	t.Helper()
	types := map[byte]fs.FileMode{'-': 0, 'd': fs.ModeDir, 'l': fs.ModeSymlink}
	mode, ok := types[s[0]]
	if !ok || len(s) != 10 {
		t.Fatalf("%s: %q is no mode like -rwxr-xr-x", name, s)
	}
	for i := 1; i < 10; i++ {
		bit := fs.FileMode(1) << (9 - i)
		switch c := s[i]; {
		case c == 't' || c == 'T':
			mode |= fs.ModeSticky
			if c == 't' {
				mode |= bit
			}
		case c == 's':
			mode |= bit | map[int]fs.FileMode{3: fs.ModeSetuid, 6: fs.ModeSetgid}[i]
		case c != '-':
			mode |= bit
		}
	}
	return mode
}

// history is the section, or what BuildKit would have written for the Dockerfile's final stage on a base of one layer.
func (c *ruleCase) history(t *testing.T, f *dockerfile.File) []layers.Step {
	if text, ok := c.sections["history"]; ok {
		var steps []layers.Step
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			createdBy, empty := strings.CutPrefix(line, "empty: ")
			steps = append(steps, layers.Step{CreatedBy: createdBy, Empty: empty})
		}
		return steps
	}
	if f == nil {
		return []layers.Step{{CreatedBy: "ADD rootfs.tar / # base"}}
	}
	var steps []layers.Step
	if !f.Final().Root().Scratch() {
		steps = append(steps, layers.Step{CreatedBy: "ADD rootfs.tar / # base"})
	}
	for _, s := range stages(f.Final()) {
		for _, in := range s.Instructions {
			text := in.Text
			if in.Keyword == "RUN" {
				text = "/bin/sh -c " + text
			}
			writes := in.Keyword == "RUN" || in.Keyword == "COPY" || in.Keyword == "ADD"
			steps = append(steps, layers.Step{CreatedBy: in.Keyword + " " + text + " # buildkit", Empty: !writes})
		}
	}
	return steps
}

func stages(s *dockerfile.Stage) []*dockerfile.Stage {
	if s == nil {
		return nil
	}
	return append(stages(s.Parent), s)
}
