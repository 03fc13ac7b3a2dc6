package layers_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// sized is a file of n bytes.
func sized(path string, n int) layers.File {
	return layers.File{Path: path, Data: []byte(strings.Repeat("x", n))}
}

func TestWaste(t *testing.T) {
	base := []layers.File{sized("a", 100), sized("d/x", 30), sized("d/e/y", 20), {Path: "link", Hardlink: "a"}, link("soft", "a")}
	for _, c := range []struct {
		name  string
		stack [][]layers.File
		want  string
	}{
		{"nothing", [][]layers.File{base}, ""},
		{"overwritten", [][]layers.File{{sized("a", 100)}, {sized("a", 40)}}, "/a 100 of 0 by 1"},
		{"the same again", [][]layers.File{{sized("a", 100)}, {sized("a", 100)}}, "/a 100 of 0 by 1 same"},
		{"of five copies four", [][]layers.File{{sized("a", 8)}, {sized("a", 8)}, {sized("a", 8)}, {sized("a", 8)}, {sized("a", 8)}},
			"/a 8 of 0 by 1 same|/a 8 of 1 by 2 same|/a 8 of 2 by 3 same|/a 8 of 3 by 4 same"},
		{"deleted", [][]layers.File{{sized("a", 100)}, {{Path: ".wh.a"}}}, "/a 100 of 0 by 1 deleted"},
		{"deleted and put there again", [][]layers.File{{sized("a", 100)}, {{Path: ".wh.a"}}, {sized("a", 100)}}, "/a 100 of 0 by 1 deleted"},
		{"of two names one is deleted", [][]layers.File{base, {{Path: ".wh.a"}}}, ""},
		{"of two names both are deleted", [][]layers.File{base, {{Path: ".wh.a"}}, {{Path: ".wh.link"}}}, "/link 100 of 0 by 2 deleted"},
		{"a name more in a higher layer keeps the bytes", [][]layers.File{base, {{Path: "new", Hardlink: "link"}}, {{Path: ".wh.a"}, {Path: ".wh.link"}}}, ""},
		{"a directory deleted", [][]layers.File{base, {{Path: ".wh.d"}}}, "/d/x 30 of 0 by 1 deleted|/d/e/y 20 of 0 by 1 deleted"},
		{"a directory made opaque", [][]layers.File{base, {{Path: "d/.wh..wh..opq"}, sized("d/x", 3)}}, "/d/x 30 of 0 by 1 deleted|/d/e/y 20 of 0 by 1 deleted"},
		{"a directory replaced by a file", [][]layers.File{base, {sized("d", 3)}}, "/d/x 30 of 0 by 1 deleted|/d/e/y 20 of 0 by 1 deleted"},
		{"a directory replaced by a link", [][]layers.File{base, {link("d", "a")}}, "/d/x 30 of 0 by 1 deleted|/d/e/y 20 of 0 by 1 deleted"},
		{"a directory stated again", [][]layers.File{base, {{Path: "d/", Mode: fs.ModeDir | 0o700}}}, ""},
		{"a file replaced by a directory", [][]layers.File{{sized("a", 9)}, {sized("a/b", 1)}}, "/a 9 of 0 by 1"},
		{"twice in one layer", [][]layers.File{{sized("a", 9), sized("a", 7)}}, "/a 9 of 0 by 0"},
		{"a link of the same layer over it", [][]layers.File{{sized("a", 9), sized("b", 7), {Path: "a", Hardlink: "b"}}}, "/a 9 of 0 by 0"},
		{"empty files", [][]layers.File{{sized("a", 0)}, {sized("a", 0)}}, ""},
		{"soft links", [][]layers.File{base, {link("soft", "b")}}, ""},
	} {
		var got []string
		for _, w := range tree(t, c.stack...).Waste() {
			s := fmt.Sprintf("%s %d of %d by %d", w.Path, w.Size, w.Layer, w.By)
			if w.Deleted {
				s += " deleted"
			}
			if w.Same {
				s += " same"
			}
			got = append(got, s)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWasteIsExact holds waste against the definition, for images made by chance: what is stored less what can be seen,
// every file once. Each file has a size of its own, by which it is known again.
func TestWasteIsExact(t *testing.T) {
	for seed := range uint64(300) {
		chance := rand.New(rand.NewPCG(seed, 7))
		names := []string{"a", "b", "d/a", "d/b", "d/e/a", "d/e/b", "f"}
		var stack [][]layers.File
		var alive []string // regular files of the tree so far, to link to
		stored := int64(0)
		for range 2 + chance.IntN(5) {
			var layer []layers.File
			used := map[string]bool{}
			for range chance.IntN(6) {
				name := names[chance.IntN(len(names))]
				if used[name] {
					continue
				}
				used[name] = true
				switch k := chance.IntN(10); {
				case k < 5:
					layer = append(layer, layers.File{Path: name, Size: 1 << (len(stack)*7 + len(layer))})
					stored += layer[len(layer)-1].Size
				case k < 7 && len(alive) > 0:
					layer = append(layer, layers.File{Path: "l/" + name, Hardlink: alive[chance.IntN(len(alive))]})
				case k < 8:
					layer = append(layer, layers.File{Path: "d/.wh..wh..opq"})
				default:
					layer = append(layer, layers.File{Path: filepath.Join(filepath.Dir(name), ".wh."+filepath.Base(name))})
				}
			}
			f, err := layers.New(append(stack[:len(stack):len(stack)], layer)...)
			if err != nil {
				break // a link to what the same layer deletes
			}
			stack = append(stack, layer)
			alive = nil
			seen, visible := map[int64]bool{}, int64(0)
			check(t, f.Walk(func(e *layers.Entry) error {
				if e.Mode.IsRegular() {
					alive = append(alive, e.Path)
					if !seen[e.Size] {
						seen[e.Size] = true
						visible += e.Size
					}
				}
				return nil
			}))
			wasted := int64(0)
			for _, w := range f.Waste() {
				wasted += w.Size
			}
			if stored := f.Stored(); wasted != stored-visible {
				t.Fatalf("seed %d: %d wasted of %d stored, %d visible: %+v", seed, wasted, stored, visible, stack)
			}
		}
	}
}

// diveCases are images with what dive says of each: score in percent and wasted bytes, as recorded from dive v0.13.2
// (github.com/wagoodman/dive/cmd/dive@latest of 2025-05-16), run as `CI=true dive docker-archive://FILE`.
var diveCases = []struct {
	name   string
	stack  [][]layers.File
	score  string
	wasted int64
}{
	{"nothing", [][]layers.File{{sized("a", 1000)}, {sized("b", 500)}}, "100.00", 0},
	{"overwritten", [][]layers.File{{sized("a", 1000)}, {sized("a", 400), sized("b", 600)}}, "50.00", 1400},
	{"five copies", [][]layers.File{{sized("a", 800)}, {sized("a", 800)}, {sized("a", 800)}, {sized("a", 800)}, {sized("a", 800)}}, "20.00", 4000},
	{"deleted", [][]layers.File{{sized("a", 1000), sized("b", 300)}, {{Path: ".wh.a"}}}, "23.08", 1000},
	{"directory deleted", [][]layers.File{{sized("d/a", 1000), sized("d/e/b", 300), sized("c", 700)}, {{Path: ".wh.d"}}}, "100.00", 0},
	{"directory deleted and there again", [][]layers.File{{sized("d/a", 1000), sized("c", 700)}, {{Path: ".wh.d"}}, {sized("d/a", 900)}}, "61.54", 1900},
	{"opaque", [][]layers.File{{sized("d/a", 1000), sized("c", 700)}, {{Path: "d/"}, {Path: "d/.wh..wh..opq"}, sized("d/n", 10)}}, "100.00", 0},
	{"hard links", [][]layers.File{{sized("a", 1000), {Path: "b", Hardlink: "a"}, sized("c", 50)}, {{Path: ".wh.a"}, sized("b", 20)}}, "4.67", 1020},
	{"empty directory filled and deleted", [][]layers.File{{{Path: "d/"}, sized("c", 50)}, {{Path: "d/"}, sized("d/a", 500)}, {{Path: ".wh.d"}}}, "52.38", 500},
	{"directory with its entries deleted", [][]layers.File{{{Path: "d/"}, sized("d/a", 1000), {Path: "d/e/"}, sized("d/e/b", 300), {Path: "d/h", Hardlink: "d/a"}, sized("c", 700)}, {{Path: "d/"}, {Path: "d/.wh.e"}}, {{Path: ".wh.d"}}}, "100.00", 0},
	{"directory of later layers deleted", [][]layers.File{{{Path: "d/"}, sized("d/a", 1000)}, {sized("d/b", 300)}, {{Path: ".wh.d"}}, {sized("c", 10)}}, "100.00", 0},
	{"links", [][]layers.File{{link("l", "a"), sized("a", 77)}, {link("l", "b"), sized("b", 70)}, {sized("l", 30)}}, "83.05", 30},
}

// TestEfficiency compares with dive: with the figures recorded, and with dive itself where it is installed.
func TestEfficiency(t *testing.T) {
	dive, missing := exec.LookPath("dive")
	for _, c := range diveCases {
		t.Run(c.name, func(t *testing.T) {
			img := imagetest.Image{Layers: c.stack}
			archive := filepath.Join(t.TempDir(), "image.tar")
			imagetest.WriteDockerArchive(t, archive, []string{"test:1"}, img.Build(t))
			read, err := layers.Read(context.Background(), layers.DockerArchive, archive, layers.Options{})
			check(t, err)
			e, _ := read.Efficiency()
			if got := fmt.Sprintf("%.2f", 100*e.Score); got != c.score || e.Wasted != c.wasted {
				t.Errorf("%s %%, %d bytes; dive said %s %%, %d bytes", got, e.Wasted, c.score, c.wasted)
			}
			if missing == nil {
				if score, wasted := askDive(t, dive, archive); score != c.score || wasted != fmt.Sprint(c.wasted) {
					t.Errorf("dive says %s %%, %s bytes; recorded are %s %%, %d bytes", score, wasted, c.score, c.wasted)
				}
			}
		})
	}
}

var diveSays = regexp.MustCompile(`(?s)efficiency: +([0-9.]+) %.*wastedBytes: +([0-9]+) bytes`)

func askDive(t *testing.T, dive, archive string) (score, wasted string) {
	t.Helper()
	cmd := exec.Command(dive, "docker-archive://"+archive)
	cmd.Env = append(os.Environ(), "CI=true")
	out, _ := cmd.CombinedOutput() // it fails if it finds the image bad
	m := diveSays.FindStringSubmatch(string(out))
	if m == nil {
		t.Fatalf("dive says nothing: %s", out)
	}
	return m[1], m[2]
}
