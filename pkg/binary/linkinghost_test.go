package binary

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// listed is a line of ld.so --list: a name and the file it was found in.
var listed = regexp.MustCompile(`(?m)^\t(\S+) => (\S+) \(0x`)

// TestLinkingHost compares Resolve with the host's own loader over the programs that happen to be installed.
func TestLinkingHost(t *testing.T) {
	const loader = "/lib64/ld-linux-x86-64.so.2"
	if _, err := os.Stat(loader); err != nil {
		t.Skipf("no glibc for amd64 here: %v", err)
	}
	programs, err := filepath.Glob("/usr/bin/*")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, p := range programs {
		if testing.Short() && compared >= 20 || compared >= hostPrograms {
			break
		}
		e := readProgram(p)
		if e == nil || e.Interpreter != loader {
			continue
		}
		out, err := exec.Command(loader, "--list", p).Output()
		if err != nil {
			continue
		}
		var want []string
		for _, m := range listed.FindAllStringSubmatch(string(out), -1) {
			want = append(want, m[1]+" "+m[2])
		}
		l := e.Resolve(os.DirFS("/"), p, nil, false)
		var got []string
		for _, lib := range l.Libraries {
			if lib.Via != viaLoader {
				got = append(got, lib.Name+" "+lib.Path)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || l.Failure != "" || len(l.Unread) > 0 {
			t.Errorf("%s: got %q %q %q, want %q", p, got, l.Failure, l.Unread, want)
		}
		compared++
	}
	if compared == 0 {
		t.Skip("no dynamic programs in /usr/bin")
	}
	t.Logf("%d programs", compared)
}

// hostPrograms is how many programs are enough.
const hostPrograms = 120

// readProgram reads a regular ELF file of the host, nil if it is none.
func readProgram(path string) *ELF {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	e, err := ReadELF(f, info.Size())
	if err != nil {
		return nil
	}
	return e
}
