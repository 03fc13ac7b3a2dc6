package binary_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// plainVariants build without optimisation: arguments go through memory, nothing is inlined.
var plainVariants = []variant{
	{name: "plain", env: []string{"CGO_ENABLED=0"}, args: []string{"-gcflags=all=-N -l", "-ldflags=-s -w"}},
	{name: "plain-arm64", env: []string{"CGO_ENABLED=0", "GOARCH=arm64"}, args: []string{"-gcflags=all=-N -l", "-ldflags=-s -w"}},
}

// TestSignalsPlain holds that the signals of a program do not depend on the compiler's optimisation.
func TestSignalsPlain(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library anew")
	}
	dirs, err := filepath.Glob(apps + "/signal-*")
	if err != nil || len(dirs) < 14 {
		t.Fatalf("%d programs in %s, %v", len(dirs), apps, err)
	}
	var names []string
	for _, d := range dirs {
		names = append(names, filepath.Base(d))
	}
	for _, v := range plainVariants {
		t.Run(v.name, func(t *testing.T) {
			out := v.build(t, names)
			for _, name := range names {
				var w want
				text, err := os.ReadFile(filepath.Join(apps, name, "want.json"))
				if err == nil {
					err = json.Unmarshal(text, &w)
				}
				if err != nil {
					t.Fatal(err)
				}
				got := readFile(t, filepath.Join(out, name)).Signals
				if got.Notify != w.Signals || got.All != w.All || got.Unknown != w.Unknown ||
					!slices.Equal(got.Handled, w.Handled) || !slices.Equal(got.Ignored, w.Ignored) {
					t.Errorf("%s: got %+v, want %+v", name, got, w)
				}
			}
		})
	}
}
