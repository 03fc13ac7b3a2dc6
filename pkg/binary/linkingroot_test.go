package binary

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// rootDir is a root directory being furnished.
type rootDir struct {
	t    *testing.T
	shop *workshop
	dir  string
}

// furnish is one step of furnishing.
type furnish func(r *rootDir)

// write writes a file with its directories.
func (r *rootDir) write(path string, b []byte, mode os.FileMode) {
	r.t.Helper()
	file := filepath.Join(r.dir, path)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, b, mode)
	}
	if err == nil {
		err = os.Chmod(file, mode)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// put copies an artifact to a path.
func put(path, artifact string) furnish {
	return func(r *rootDir) { host(path, r.shop.make(r.t, artifact))(r) }
}

// host copies a file of the host to a path; without it the cell is skipped.
func host(path, file string) furnish {
	return func(r *rootDir) {
		r.t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			r.t.Skipf("the host has no %s", file)
		}
		r.write(path, b, 0o755)
	}
}

// text writes a file.
func text(path, content string) furnish {
	return func(r *rootDir) { r.write(path, []byte(content), 0o644) }
}

// fake writes an ELF file without code.
func fake(path string, s elftest.Spec) furnish {
	return func(r *rootDir) { r.write(path, build(r.t, s), 0o755) }
}

// symlink makes a link; target may be absolute, it counts inside the root.
func symlink(path, target string) furnish {
	return func(r *rootDir) {
		r.t.Helper()
		file := filepath.Join(r.dir, path)
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = os.Symlink(target, file)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// mode changes a file's mode.
func mode(path string, m os.FileMode) furnish {
	return func(r *rootDir) {
		if err := os.Chmod(filepath.Join(r.dir, path), m); err != nil {
			r.t.Fatal(err)
		}
	}
}

// remove takes a file away, as a later layer does.
func remove(path string) furnish {
	return func(r *rootDir) {
		if err := os.RemoveAll(filepath.Join(r.dir, path)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// directory makes a directory.
func directory(path string) furnish {
	return func(r *rootDir) {
		if err := os.MkdirAll(filepath.Join(r.dir, path), 0o755); err != nil {
			r.t.Fatal(err)
		}
	}
}

// ldconfig writes the root's /etc/ld.so.cache with the host's ldconfig.
func ldconfig(flags ...string) furnish {
	return func(r *rootDir) {
		directory("/etc")(r)
		if out, err := exec.Command("/sbin/ldconfig", append(flags, "-X", "-r", r.dir)...).CombinedOutput(); err != nil {
			r.t.Skipf("running ldconfig: %v: %s", err, out)
		}
	}
}

// join makes one list of steps.
func join(lists ...[]furnish) []furnish { return slices.Concat(lists...) }

// The C libraries.
var (
	scratchRoot = []furnish{}
	loaderRoot  = []furnish{host("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2")}
	glibcRoot   = join(loaderRoot, []furnish{host("/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6")})
	muslRoot    = []furnish{host("/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1")}
	compatRoot  = join(muslRoot, []furnish{symlink("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1")})
)

// outcome is what a program did.
type outcome struct {
	code   int      // exit code; 0 if execve failed
	first  string   // the first line of standard error
	loaded []string // the files it was made of, by its own account
}

// chrootVariable tells the test binary to be a program's first breath: see TestChroot.
const chrootVariable = "IMGAUDIT_TEST_CHROOT"

// execFailed is the exit code by which TestChroot says that execve failed.
const execFailed = 99

// run starts a program in the root and waits for it.
func (r *rootDir) run(path string, env []string, uid uint32) outcome {
	r.t.Helper()
	directory("/proc")(r)
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestChroot$")
	cmd.Env = append([]string{chrootVariable + "=" + r.dir + "\n" + path + "\n" + strings.Join(env, "\n")}, "TMPDIR=/tmp")
	if uid != 0 {
		cmd.Env = append(cmd.Env, "IMGAUDIT_TEST_UID=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.t.Skipf("running in a chroot: %v", err)
	}
	o := outcome{code: cmd.ProcessState.ExitCode(), first: firstComplaint(stderr.String())}
	if o.code == execFailed {
		o.code = 0
	}
	for line := range strings.Lines(stdout.String()) {
		if line = strings.TrimSpace(line); !slices.Contains(o.loaded, line) {
			o.loaded = append(o.loaded, line)
		}
	}
	slices.Sort(o.loaded)
	return o
}

// sourceLine is where in ld.so an assertion stands; it differs from version to version.
var sourceLine = regexp.MustCompile(`(dl-[a-z]+\.c:) \d+:`)

// remark is what ld.so says and goes on.
var remark = regexp.MustCompile("^ERROR: ld.so: object |: no version information available |: weak version `")

// firstComplaint returns the first line that is not one of glibc's remarks.
func firstComplaint(stderr string) string {
	for line := range strings.Lines(stderr) {
		if !remark.MatchString(line) {
			return sourceLine.ReplaceAllString(strings.TrimSuffix(line, "\n"), "$1")
		}
	}
	return ""
}

// TestChroot is no test: started by run in a mount namespace of its own, it enters the root and becomes the program.
func TestChroot(t *testing.T) {
	order, ok := os.LookupEnv(chrootVariable)
	if !ok {
		t.Skip("only of use to TestLinkingReality")
	}
	words := strings.Split(order, "\n")
	dir, path, env := words[0], words[1], words[2:]
	err := syscall.Mount("proc", filepath.Join(dir, "proc"), "proc", 0, "")
	if err == nil {
		err = syscall.Chroot(dir)
	}
	if err == nil {
		err = os.Chdir("/")
	}
	if err == nil && os.Getenv("IMGAUDIT_TEST_UID") != "" {
		err = syscall.Setuid(65532)
	}
	if err != nil {
		os.Stderr.WriteString("preparing the chroot: " + err.Error() + "\n")
		os.Exit(98)
	}
	err = syscall.Exec(path, []string{path}, slices.DeleteFunc(env, func(s string) bool { return s == "" }))
	os.Stderr.WriteString("exec " + path + ": " + err.Error() + "\n")
	os.Exit(execFailed)
}
