package prove_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// twoBuilds is a BuildKit whose first build gives one archive and its second another.
func twoBuilds(t *testing.T, images ...imagetest.Image) *prove.Engine {
	t.Helper()
	dir := t.TempDir()
	for i, img := range images {
		imagetest.WriteOCIArchive(t, filepath.Join(dir, fmt.Sprintf("%d.tar", i+1)), "", img.Build(t))
	}
	script := `#!/bin/sh
cd ` + dir + `
[ "$1" = build ] || exit 0
echo x >>count
n=$(wc -l <count | tr -d ' ')
[ -f "$n.tar" ] || { echo "ERROR: there is no build $n" >&2; exit 1; }
for arg; do
	case $arg in
	type=oci,dest=*,rewrite-timestamp=true) arg=${arg#type=oci,dest=}; cp "$n.tar" "${arg%,rewrite-timestamp=true}" ;;
	esac
done
`
	file := filepath.Join(dir, "buildctl")
	writeScript(t, file, script)
	return &prove.Engine{Kind: prove.BuildKit, Path: file, Version: "0.0"}
}

// reproduce compares what a fake builder gives.
func reproduce(t *testing.T, e *prove.Engine) *audit.Proof {
	t.Helper()
	context1 := t.TempDir()
	p, err := prove.Reproduce(t.Context(), prove.Twice{
		Engine: e, Apart: time.Millisecond, Build: prove.Build{Dockerfile: []byte("FROM scratch\n"), Context: context1},
		Audit: func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
			subjects, err := target.Subjects(ctx, []string{"oci-archive:" + archive}, target.Options{Now: time.Now()})
			if err != nil {
				return nil, nil, err
			}
			return subjects[0], nil, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// raw is a layer of headers, which say more than files do.
func raw(t *testing.T, headers ...tar.Header) imagetest.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return imagetest.Image{Layers: [][]layers.File{nil}, Raw: map[int][]byte{0: b.Bytes()}}
}

func of(files ...layers.File) imagetest.Image { return imagetest.Image{Layers: [][]layers.File{files}} }

// TestReproduceCompares images that differ in one thing.
func TestReproduceCompares(t *testing.T) {
	text := func(p, s string) layers.File { return layers.File{Path: p, Data: []byte(s)} }
	a, b := text("a", "1"), text("b", "2")
	now := time.Now().UTC()
	plain := of(a, b)
	plain.Packing = map[int]imagetest.Packing{0: imagetest.Plain}
	env := of(a)
	env.Config.Env = []string{"A=1"}
	other := of(a)
	other.Config.Env = []string{"A=2"}
	twoLayers := imagetest.Image{Layers: [][]layers.File{{a}, {b}}}
	for _, c := range []struct {
		name          string
		first, second imagetest.Image
		want          []string // "WHAT PATH CAUSE"
	}{
		{"nothing", of(a, b), of(a, b), nil},
		{"the order", of(a, b), of(b, a), []string{"order /a order"}},
		{"the packing", of(a, b), plain, []string{"compression  compression"}},
		{"a mode", of(layers.File{Path: "a", Mode: 0o600}), of(layers.File{Path: "a", Mode: 0o640}), []string{"mode /a unknown"}},
		{"setuid", of(layers.File{Path: "a", Mode: 0o755}), of(layers.File{Path: "a", Mode: 0o755 | fs.ModeSetuid}), []string{"mode /a unknown"}},
		{"an owner", of(layers.File{Path: "a", UID: 1}), of(layers.File{Path: "a", UID: 2}), []string{"owner /a unknown"}},
		{"a type", of(text("a", "")), of(layers.File{Path: "a/"}), []string{"mode /a unknown", "type /a unknown"}},
		{"a link", of(layers.File{Path: "a", Link: "x"}), of(layers.File{Path: "a", Link: "y"}), []string{"link /a unknown"}},
		{"attributes", of(layers.File{Path: "a"}), of(layers.File{Path: "a", Caps: true}), []string{"attributes /a unknown"}},
		{"a time of a file", raw(t, tar.Header{Name: "a", ModTime: time.Unix(1, 0)}), raw(t, tar.Header{Name: "a", ModTime: time.Unix(2, 0)}), []string{"mtime /a time"}},
		{"only in the first", of(a, b), of(a), []string{"only first /b unknown"}},
		{"only in the second", of(a), of(a, b), []string{"only second /b unknown"}},
		{"a directory that only one has is listed once", of(a, layers.File{Path: "d/"}, text("d/x", "1"), text("d/y", "1")), of(a), []string{"only first /d unknown"}},
		{"a temporary file", of(text("tmp/tmp.abcdefghij", "1")), of(text("tmp/tmp.klmnopqrst", "1")), []string{"name /tmp/tmp.abcdefghij random"}},
		{"Go's directory", of(layers.File{Path: "tmp/go-build123456789/"}), of(), []string{"only first /tmp/go-build123456789 random"}},
		{"contents", of(text("a", "red\n")), of(text("a", "blue\n")), []string{"content /a unknown"}},
		{"an identifier", of(text("a", "id 0123456789ab\n")), of(text("a", "id ba9876543210\n")), []string{"content /a random"}},
		{"lines in another order", of(text("a", "red\nblue\n")), of(text("a", "blue\nred\n")), []string{"content /a order"}},
		{"words in another order", of(text("a", `{"red":1,"blue":2}`)), of(text("a", `{"blue":2,"red":1}`)), []string{"content /a order"}},
		{"a duration", of(text("a", "took 1.5s\n")), of(text("a", "took 2.25s\n")), []string{"content /a time"}},
		{"a time of the build", of(text("a", now.Format(time.RFC3339))), of(text("a", now.Add(time.Second).Format(time.RFC3339))), []string{"content /a time"}},
		{"a log of a package manager", of(text("var/log/dpkg.log", "x\n")), of(text("var/log/dpkg.log", "y\n")), []string{"content /var/log/dpkg.log package files"}},
		{"a config", env, other, []string{"config config.Env.0 unknown"}},
		{"one more layer", of(a), twoLayers, []string{"config history.1.created unknown", "config history.1.created_by unknown", "only second  unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := reproduce(t, twoBuilds(t, c.first, c.second))
			r := p.Reproducible
			var got []string
			for _, d := range r.Differs {
				got = append(got, fmt.Sprintf("%s %s %s", d.What, d.Path, d.Cause))
			}
			slices.Sort(got)
			want := c.want
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			outcome := map[bool]audit.Outcome{true: audit.OutcomeHolds, false: audit.OutcomeDiffers}[len(want) == 0]
			if r.Same != (len(want) == 0) || p.Outcome != outcome || len(r.Digests) != 2 || (r.Digests[0] == r.Digests[1]) != r.Same {
				t.Errorf("same %v, %s, %v", r.Same, p.Outcome, r.Digests)
			}
		})
	}
}

// TestReproduceCutsTheList: the first differences are listed, the others counted.
func TestReproduceCutsTheList(t *testing.T) {
	var first, second []layers.File
	for i := range 300 {
		name := fmt.Sprintf("f%03d", i)
		first, second = append(first, layers.File{Path: name, Data: []byte("a")}), append(second, layers.File{Path: name, Data: []byte("b")})
	}
	r := reproduce(t, twoBuilds(t, of(first...), of(second...))).Reproducible
	if len(r.Differs) != 200 || r.More != 100 || !strings.Contains(r.Differs[150].Because, "only the first 100 files were looked into") {
		t.Errorf("%d listed, %d more: %+v", len(r.Differs), r.More, r.Differs[150])
	}
}

// TestReproduceOfAFailedBuild is not a proof of anything.
func TestReproduceOfAFailedBuild(t *testing.T) {
	p := reproduce(t, twoBuilds(t, of(layers.File{Path: "a"})))
	if p.Outcome != audit.OutcomeUnproven || p.Reproducible.Same || p.Reproducible.Failed != "build 2 of 2: there is no build 2" || p.Build == nil {
		t.Errorf("%s: %+v", p.Outcome, p.Reproducible)
	}
}

// TestReproduceDocker: Debian's docker writes no SOURCE_DATE_EPOCH, and its classic builder the name of its container; each
// difference is explained, and nothing is left behind.
func TestReproduceDocker(t *testing.T) {
	for _, buildkit := range []string{"1", "0"} {
		t.Run("DOCKER_BUILDKIT="+buildkit, func(t *testing.T) {
			t.Setenv("DOCKER_BUILDKIT", buildkit)
			e := builder(t, prove.Docker)
			dir := t.TempDir()
			file := filepath.Join(dir, "app")
			if err := os.WriteFile(file, []byte("app"), 0o755); err != nil {
				t.Fatal(err)
			}
			old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
			temp := ownTemp(t)
			var names []string
			p, err := prove.Reproduce(t.Context(), prove.Twice{Engine: e, Build: prove.Build{Dockerfile: []byte("FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\"]\n"), Context: dir},
				Audit: func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
					return auditArchive(ctx, archive)
				},
				Progress: func(string) { names = proofs(t, temp) }})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"/app": "time: it is the time of the file in the context: the builder does not write SOURCE_DATE_EPOCH in its place", "created": "time: the builder does not write SOURCE_DATE_EPOCH in its place",
				"history.0.created": "time: the builder does not write SOURCE_DATE_EPOCH in its place"}
			if buildkit == "0" {
				want["history.1.created"] = want["created"]
				want["config.Image"] = "follows: the builder names the image of the step before, which differs"
				want["container_config.Image"] = want["config.Image"]
				want["container"] = "random: docker's classic builder writes down in which container it worked"
				want["container_config.Hostname"] = want["container"]
			}
			for _, d := range p.Reproducible.Differs {
				if got := string(d.Cause) + ": " + d.Because; d.Path != "history.1.created" && got != want[d.Path] {
					t.Errorf("%s: %s, want %s", d.Path, got, want[d.Path])
				}
				delete(want, d.Path)
			}
			for path := range want {
				t.Errorf("nothing is said of %s", path)
			}
			nothingLeft(t, temp, names)
			if out, err := exec.Command("docker", "images", "--all", "--quiet").CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("images are left: %s %v", out, err)
			}
		})
	}
}
