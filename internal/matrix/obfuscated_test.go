package matrix

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The obfuscator, and the newest toolchain that it works with.
const (
	garble          = "mvdan.cc/garble@v0.14.2"
	garbleToolchain = "1.24.11"
)

// TestObfuscated builds a program with needs of every kind with an obfuscator: nothing can be said of it, and that is
// said.
func TestObfuscated(t *testing.T) {
	if !full() {
		t.Skip("compiles the standard library anew, twice: set IMGAUDIT_MATRIX=all")
	}
	v := old(24, garbleToolchain)
	v.ready(t)
	bin := t.TempDir()
	install := exec.Command("go", "install", garble)
	install.Env = append(v.environ(), "GOBIN="+bin)
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("go install %s: %v: %s", garble, err, out)
	}
	p := programNamed(t, "proof-every-need")
	source := writeSources(t, []*program{p})
	for _, args := range [][]string{{"build"}, {"-tiny", "-literals", "-seed=AAAAAAAAAAA", "build"}} {
		out := filepath.Join(t.TempDir(), "app")
		c := exec.Command(filepath.Join(bin, "garble"), append(args, "-o", out, "./"+p.name)...)
		c.Dir = source
		c.Env = append(v.environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("garble %q: %v\n%s", args, err, text)
		}
		b := read(t, out)
		if b.Opaque != "obfuscated: function names are gone" || len(b.Needs) > 0 {
			t.Errorf("garble %q: opaque %q, needs %s", args, b.Opaque, jsonText(t, b.Needs))
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
