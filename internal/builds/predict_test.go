package builds

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// foretold is one Dockerfile whose image is foretold, built, and compared.
type foretold struct {
	name     string
	text     string
	context  map[string]string // files by path; one that ends in "+x" is executable, a "-> x" is a link
	any      bool              // nobody says what is known
	programs string            // of a subject without files: those that are known all the same
	unknown  string            // what the reason begins with why the files are not foretold, "" if they are
}

// TestPredictions foretells images and then builds them: the trees are the same in every path, mode, owner, size and
// content (programs aside, which are compiled twice), the configs and histories are the same, and so are the findings.
// What is not foretold is listed in the cases with its reason, and the configs are the same even so.
func TestPredictions(t *testing.T) {
	l := need(t)
	cases := append(predictionsOfReal(t), predictionsOfCases(t)...)
	known := 0
	for _, c := range cases {
		if c.unknown == "" {
			known++
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l.compare(t, c)
		})
	}
	if known < 15 {
		t.Errorf("only %d images are foretold with their files", known)
	}
}

// TestPredictionsOfRuleCases does the same with the Dockerfile of every rule case that BuildKit builds, on stand-ins of its
// base images. Nobody wrote down what of them is foretold: what is must be so.
func TestPredictionsOfRuleCases(t *testing.T) {
	l := need(t)
	if os.Getenv("IMGAUDIT_BUILDS") != "all" {
		t.Skip("five minutes of builds more: set IMGAUDIT_BUILDS=all")
	}
	files, err := filepath.Glob("../../pkg/rules/testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var foretoldToo, built atomic.Int32
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(section(a, "Dockerfile"))
			f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
			if err != nil || f.Final() == nil {
				continue
			}
			t.Run(filepath.Base(filepath.Dir(file))+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				c := foretold{text: string(l.rebased(f)), context: map[string]string{}, any: true}
				for name, data := range contextOf(a, f) {
					c.context[name] = string(data)
				}
				switch l.compare(t, c) {
				case 2:
					foretoldToo.Add(1)
					built.Add(1)
				case 1:
					built.Add(1)
				}
			})
		}
	})
	t.Logf("%d of %d images are foretold with their files", foretoldToo.Load(), built.Load())
}

// rebased puts stand-ins in the place of the base images.
func (l *rig) rebased(f *dockerfile.File) []byte {
	var edits []dockerfile.Edit
	for _, s := range f.Stages {
		if s.Parent == nil && !s.Scratch() && lab.StandIn(s.Base) != "" {
			edits = append(edits, dockerfile.Edit{Span: s.From.Words[0].Span, New: l.Images[lab.StandIn(s.Base)]})
		}
	}
	text, err := dockerfile.Apply(f.Source, edits)
	if err != nil {
		return f.Source
	}
	return text
}

// predictionsOfReal are the Dockerfiles of testdata/real.
func predictionsOfReal(t *testing.T) []foretold {
	const root = "../../testdata/real"
	context := map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/config": "[remote \"origin\"]\n\turl = https://user:not-a-real-token@git.example/hello.git\n"}
	err := fs.WalkDir(os.DirFS(root+"/app"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(root, "app", name))
		context[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(root + "/*.Dockerfile")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var cases []foretold
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "FROM ${REGISTRY}/golang:1.26", "FROM ${GOLANG}")
		cases = append(cases, foretold{name: "real/" + strings.TrimSuffix(filepath.Base(f), ".Dockerfile"), text: strings.Replace(text, "ARG REGISTRY", "ARG GOLANG\nARG REGISTRY", 1), context: context})
	}
	return cases
}

// predictionsOfCases are testdata/predict: what is copied and how.
func predictionsOfCases(t *testing.T) []foretold {
	files, err := filepath.Glob("testdata/predict/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var cases []foretold
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := foretold{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), context: map[string]string{}}
		for _, f := range a.Files {
			switch f.Name {
			case "Dockerfile":
				c.text = string(f.Data)
			case "want.programs":
				c.programs = strings.TrimSpace(string(f.Data))
			case "want.unknown":
				c.unknown = strings.TrimSpace(string(f.Data))
			default:
				c.context[f.Name] = string(f.Data)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// compare foretells and builds one image. It returns 2 if its files were compared, 1 if only the config was, 0 if it does
// not build.
func (l *rig) compare(t *testing.T, c foretold) int {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "image.tar")
	for name, text := range c.context {
		if !strings.HasPrefix(name, ".git/") || text != placeholder {
			c.write(t, dir, name, text)
		}
	}
	if c.context[".git/HEAD"] != "" {
		makeRepository(t, dir)
	}
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := map[string]string{"REGISTRY": l.Registry}
	for stage, ref := range l.Images {
		args[strings.ToUpper(strings.ReplaceAll(stage, "-", "_"))] = ref
	}
	build := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + dir, "--local", "dockerfile=" + filepath.Dir(file),
		"--output", "type=oci,compression=uncompressed,dest=" + out}
	for k, v := range args {
		build = append(build, "--opt", "build-arg:"+k+"="+v)
	}
	if said, err := l.Buildctl(build...).CombinedOutput(); err != nil {
		if c.any {
			return 0
		}
		t.Fatalf("building: %v\n%s", err, lab.Tail(string(said), 20))
	}
	opt := target.Options{Dockerfile: file, Context: dir, BuildArgs: args}
	built := subject(t, opt, "oci-archive:"+out)
	opt.Build = true
	predicted := subject(t, opt)
	if predicted.Image == nil && c.any {
		return 1
	}
	if predicted.Image == nil {
		t.Fatalf("nothing is foretold: %s %v", predicted.Unpredicted, predicted.Unread)
	}
	compareConfigs(t, predicted.Image, built.Image)
	if c.any && predicted.Image.FS == nil {
		t.Log(predicted.Unpredicted)
		return 1
	}
	if c.unknown != "" {
		if predicted.Image.FS != nil || !strings.HasPrefix(predicted.Unpredicted, c.unknown) {
			t.Errorf("the reason is %q, want %q", predicted.Unpredicted, c.unknown)
		}
		var programs []string
		for _, p := range predicted.Programs {
			programs = append(programs, p.Path+map[bool]string{true: " entry"}[p.Entry])
		}
		if got := strings.Join(programs, ", "); got != c.programs {
			t.Errorf("the programs are %q, want %q", got, c.programs)
		}
		return 1
	}
	if predicted.Image.FS == nil {
		t.Fatalf("the files are not foretold: %s", predicted.Unpredicted)
	}
	compareTrees(t, predicted, built)
	compareFindings(t, predicted, built)
	return 2
}

// write writes a file of the context, whose name may say more of it.
func (c foretold) write(t *testing.T, dir, name, text string) {
	t.Helper()
	name, link, isLink := strings.Cut(name, " -> ")
	name, executable := strings.CutSuffix(name, " +x")
	at := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	err := error(nil)
	switch {
	case isLink:
		err = os.Symlink(link, at)
	case executable:
		err = os.WriteFile(at, []byte(text), 0o755)
	default:
		err = os.WriteFile(at, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func subject(t *testing.T, opt target.Options, args ...string) *audit.Subject {
	t.Helper()
	subjects, err := target.Subjects(t.Context(), append(args, "dir:"+opt.Context), opt)
	if err != nil || len(subjects) != 1 {
		t.Fatal(subjects, err)
	}
	return subjects[0]
}

func compareConfigs(t *testing.T, predicted, built *layers.Image) {
	t.Helper()
	want := built.Config
	want.Created = predicted.Config.Created
	if got := predicted.Config; !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("config foretold %+v\nreally         %+v", got, want)
	}
	steps := func(img *layers.Image) (list []string) {
		for _, s := range img.History {
			list = append(list, fmt.Sprintf("%s %t %d", s.CreatedBy, s.Empty, s.Layer))
		}
		return list
	}
	if predicted.FS != nil && !slices.Equal(steps(predicted), steps(built)) {
		t.Errorf("history foretold\n%s\nreally\n%s", strings.Join(steps(predicted), "\n"), strings.Join(steps(built), "\n"))
	}
	if predicted.Platform != built.Platform {
		t.Errorf("platform foretold %v, really %v", predicted.Platform, built.Platform)
	}
}

// normal has no difference between nothing and an empty list.
func normal(c layers.Config) string { return fmt.Sprintf("%+v", c) }

func compareTrees(t *testing.T, predicted, built *audit.Subject) {
	t.Helper()
	programs := map[string]bool{}
	for _, p := range predicted.Programs {
		programs[p.Path] = p.Predicted
	}
	got, want := lines(t, predicted.Image.FS, programs), lines(t, built.Image.FS, programs)
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("foretold, not so: %s", g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not foretold:     %s", w)
		}
	}
}

// lines describes every path of a tree.
func lines(t *testing.T, tree *layers.FS, programs map[string]bool) []string {
	t.Helper()
	var list []string
	err := tree.Walk(func(e *layers.Entry) error {
		line := fmt.Sprintf("%s layer %d %s %d:%d %s %t %t", e.Path, e.Layer, e.Mode, e.UID, e.GID, e.Link, e.Caps, e.ELF)
		if e.Mode.IsRegular() && !programs[e.Path] {
			f, err := tree.Open(e.Path[1:])
			if err != nil {
				return err
			}
			defer f.Close()
			sum := sha256.New()
			if _, err := io.Copy(sum, f); err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %x", e.Size, sum.Sum(nil)[:8])
		}
		list = append(list, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func compareFindings(t *testing.T, predicted, built *audit.Subject) {
	t.Helper()
	findings := func(s *audit.Subject) (list []string) {
		for _, f := range audit.Run(s, rules.All()).Findings {
			line := 0
			if f.Location != nil {
				line = f.Location.Line
			}
			list = append(list, fmt.Sprintf("%s %s %s line %d %s: %s", f.Severity, f.Certainty, f.Rule, line, f.Blame.Kind, strings.ReplaceAll(f.Message, s.Image.Ref, "IMAGE")))
		}
		return list
	}
	if got, want := findings(predicted), findings(built); !slices.Equal(got, want) {
		t.Errorf("findings foretold\n%s\nreally\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, u := range predicted.Unread {
		t.Errorf("not looked at: %s: %s", u.What, u.Because)
	}
}
