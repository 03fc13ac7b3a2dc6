package binary_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pkg "github.com/imgaudit/imgaudit/pkg/binary"
)

// TestCPUOfCode compiles C code for levels of x86-64, which the linker records where it is asked to.
func TestCPUOfCode(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler: gcc is not in $PATH")
	}
	for _, test := range []struct{ args, cpu string }{
		{"-march=x86-64-v3", ""}, // it is not asked to
		{"-march=x86-64 -mneeded", ""},
		{"-march=x86-64-v2 -mneeded", "v2"},
		{"-march=x86-64-v3 -mneeded", "v3"},
		{"-march=x86-64-v4 -mneeded", "v4"},
		{"-march=x86-64-v4 -mneeded -static -s", "v4"},
	} {
		file := filepath.Join(t.TempDir(), "app")
		c := exec.Command("gcc", append(strings.Fields(test.args), "-o", file, "-x", "c", "-")...)
		c.Stdin = strings.NewReader("int main(void) { return 0; }\n")
		if text, err := c.CombinedOutput(); err != nil {
			t.Skipf("gcc %s: %v: %s", test.args, err, text)
		}
		l := readFile(t, file).Layout
		static := pkg.NoLibc
		if strings.Contains(test.args, "-static") {
			static = pkg.Glibc
		}
		if l.CPU != test.cpu || l.StaticLibc != static {
			t.Errorf("%s: for %q with %q inside, want %q and %q", test.args, l.CPU, l.StaticLibc, test.cpu, static)
		}
	}
}

// TestCPUOfBuild builds for levels; what a program of each does on a lesser processor is seen in internal/matrix.
func TestCPUOfBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the runtime anew")
	}
	for level, cpu := range map[string]string{"v1": "", "v3": "v3"} {
		archive := "-- go.mod --\nmodule example.com/level\n\ngo 1.24\n-- main.go --\npackage main\n\nfunc main() { println(0) }\n"
		t.Setenv("GOAMD64", level)
		if got := buildArchive(t, archive, nil).Layout.CPU; got != cpu {
			t.Errorf("GOAMD64=%s: for %q, want %q", level, got, cpu)
		}
	}
}
