package repair_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/repair"
)

// TestDiff hands diffs to patch and to git: what they make of the old files is the new ones, byte for byte.
func TestDiff(t *testing.T) {
	long := strings.Repeat("RUN true\n", 50)
	tests := []struct {
		name          string
		file          string
		before, after string
		new           bool
	}{
		{name: "a word", file: "Dockerfile", before: "FROM a\nENV X=1\nCMD x\n", after: "FROM a\nENV X=2\nCMD x\n"},
		{name: "two places", file: "Dockerfile", before: "FROM a\n" + long + "CMD x\n", after: "FROM b\n" + long + "CMD [\"x\"]\n"},
		{name: "below a directory", file: "build/app/Dockerfile", before: "FROM a\n", after: "FROM b\n"},
		{name: "a name with blanks", file: "my app/Docker file", before: "FROM a\n", after: "FROM b\n"},
		{name: "a name beyond ASCII", file: "größe.Dockerfile", before: "FROM a\n", after: "FROM b\n"},
		{name: "a name with quotes", file: `a"b\c.Dockerfile`, before: "FROM a\n", after: "FROM b\n"},
		{name: "CR LF", file: "Dockerfile", before: "FROM a\r\nENV X=1\r\nCMD x\r\n", after: "FROM a\r\nENV X=2\r\nUSER 1\r\nCMD x\r\n"},
		{name: "mixed line ends", file: "Dockerfile", before: "FROM a\r\nENV X=1\nCMD x\r\n", after: "FROM a\r\nENV X=2\nCMD x\r\n"},
		{name: "byte order mark", file: "Dockerfile", before: "\ufeffFROM a\n", after: "\ufeffFROM b\n"},
		{name: "no newline at the end", file: "Dockerfile", before: "FROM a\nCMD x", after: "FROM a\nCMD [\"x\"]"},
		{name: "no newline, and the change is above", file: "Dockerfile", before: "FROM a\nCMD x", after: "FROM b\nCMD x"},
		{name: "a newline comes", file: "Dockerfile", before: "FROM a\nCMD x", after: "FROM a\nCMD x\nUSER 1\n"},
		{name: "a newline goes", file: "Dockerfile", before: "FROM a\nCMD x\n", after: "FROM a\nCMD x"},
		{name: "no text", file: "Dockerfile", before: "FROM a\nRUN \xff\xfe x\nCMD x\n", after: "FROM b\nRUN \xff\xfe y\nCMD x\n"},
		{name: "form feed and lone CR", file: "Dockerfile", before: "FROM a\nRUN a\rb\fc\nCMD x\n", after: "FROM b\nRUN a\rb\fd\nCMD x\n"},
		{name: "a new file", file: ".dockerignore", after: ".git\n.env\n", new: true},
		{name: "a new file without a newline", file: "sub/.dockerignore", after: ".git", new: true},
		{name: "an empty file", file: ".dockerignore", after: ".git\n"},
	}
	for _, tool := range [][]string{{"patch", "-p1", "--no-backup-if-mismatch", "--fuzz=0"}, {"git", "apply", "--whitespace=nowarn"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Skipf("%s is not installed", tool[0])
		}
		for _, tt := range tests {
			t.Run(tool[0]+" "+tt.name, func(t *testing.T) {
				dir := t.TempDir()
				name := filepath.Join(dir, tt.file)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if !tt.new {
					if err := os.WriteFile(name, []byte(tt.before), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				diff := repair.Diff([]repair.File{{Path: tt.file, Before: []byte(tt.before), After: []byte(tt.after), New: tt.new}})
				cmd := exec.Command(tool[0], tool[1:]...)
				cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
				cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s\n%s", err, out, diff)
				}
				got, err := os.ReadFile(name)
				if err != nil || !bytes.Equal(got, []byte(tt.after)) {
					t.Errorf("got %q, want %q (%v)\n%s", got, tt.after, err, diff)
				}
			})
		}
	}
}
