package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// mostMemory is what no image may make imgaudit take, in KiB: the and the README's promise.
const mostMemory = 256 << 10

// buildProgram builds the real program: only a process of its own has a peak of memory of its own.
func buildProgram(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "imgaudit")
	cmd := exec.Command("go", "build", "-trimpath", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building imgaudit: %v\n%s", err, out)
	}
	return file
}

// hostile is an image made to hurt, and how auditing it must end.
type hostile struct {
	name   string
	layers func(t *testing.T) []packedLayer
	exit   []int
	says   string // somewhere in the report or on standard error
	long   bool   // takes seconds
}

// packedLayer is a layer as it is stored; diffID is that of the tar it claims to hold, made up if empty.
type packedLayer struct {
	stored []byte
	diffID string
}

var (
	unread = []int{3}
	exact  = []int{0, 1}
)

func hostileImages() []hostile {
	return []hostile{
		{name: "names that lead out", exit: exact, layers: tars(func(w *tarFile) {
			w.file("../../../../../../tmp/imgaudit-was-here", 3)
			w.file("/tmp/imgaudit-was-here-too", 3)
			w.file("..", 3)
		})},
		{name: "links that lead out, and round in circles", exit: exact, layers: tars(func(w *tarFile) {
			w.add(tar.Header{Name: "etc", Typeflag: tar.TypeSymlink, Linkname: "/../../../etc"})
			w.add(tar.Header{Name: "tmp", Typeflag: tar.TypeSymlink, Linkname: "tmp"})
			w.add(tar.Header{Name: "usr", Typeflag: tar.TypeSymlink, Linkname: "bin"})
			w.add(tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr"})
		})},
		{name: "an entry below links in a circle", exit: unread, says: "too many levels of symbolic links", layers: tars(func(w *tarFile) {
			w.add(tar.Header{Name: "usr", Typeflag: tar.TypeSymlink, Linkname: "bin"})
			w.add(tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr"})
			w.file("bin/x", 3)
		})},
		{name: "a hard link to the outside", exit: unread, says: "no such file in this or a lower layer", layers: tars(func(w *tarFile) {
			w.add(tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "../../../../../../etc/passwd"})
		})},
		{name: "a gzip bomb", exit: unread, says: "compressed layer: more than the limit of 200 bytes for each one stored", layers: bomb(gzipped), long: true},
		{name: "a zstd bomb", exit: unread, says: "compressed layer: more than the limit of 200 bytes for each one stored", layers: bomb(zstandard), long: true},
		{name: "a million tiny files", exit: unread, says: "names and entries of all layers: more than the limit of", long: true, layers: tars(func(w *tarFile) {
			for i := range 1_000_000 {
				w.file(fmt.Sprintf("srv/%d/f%d", i/1000, i), 4)
			}
		})},
		{name: "files deleted one by one", exit: exact, long: true, layers: func(t *testing.T) []packedLayer {
			return append(tars(func(w *tarFile) {
				for i := range 200_000 {
					w.file(fmt.Sprintf("srv/f%d", i), 0)
				}
			})(t), tars(func(w *tarFile) {
				for i := range 200_000 {
					w.file(fmt.Sprintf("srv/.wh.f%d", i), 0)
				}
			})(t)...)
		}},
		{name: "deep paths", exit: unread, says: "directories that no layer mentions", layers: tars(func(w *tarFile) {
			for i := range 200 {
				w.file(fmt.Sprintf("%d/%sx", i, strings.Repeat("d/", 2000)), 1)
			}
		})},
		{name: "names of 4 KiB", exit: unread, says: "names and entries of all layers", layers: tars(func(w *tarFile) {
			for i := range 60_000 {
				w.file(fmt.Sprintf("%s%06d", strings.Repeat(strings.Repeat("n", 200)+"/", 19), i), 0)
			}
		}), long: true},
		{name: "a name of more than 4 KiB", exit: unread, says: "more than the limit of 4096 bytes", layers: tars(func(w *tarFile) { w.file(strings.Repeat("n/", 2100)+"x", 1) })},
		{name: "extended headers of half a MiB", exit: exact, layers: tars(func(w *tarFile) {
			for i := range 500 {
				w.add(tar.Header{Name: fmt.Sprintf("é%d", i), Typeflag: tar.TypeSymlink, Linkname: "ü", PAXRecords: map[string]string{"VENDOR.x": w.ballast}})
			}
		}), long: true},
		{name: "extended attributes of 100 KiB", exit: unread, says: "names and entries of all layers", layers: tars(func(w *tarFile) {
			for i := range 2200 {
				w.add(tar.Header{Name: fmt.Sprint(i), Typeflag: tar.TypeReg, PAXRecords: map[string]string{"SCHILY.xattr.user.x": fmt.Sprint(i) + w.ballast[:100<<10]}})
			}
		}), long: true},
		{name: "an extended header of two MiB", exit: unread, says: "header field too long", layers: tars(func(w *tarFile) {
			w.file("pax", 2<<20)
		}, typed(tar.TypeXHeader))},
		{name: "a size of 8 EiB", exit: unread, says: "unexpected EOF", layers: func(t *testing.T) []packedLayer {
			return []packedLayer{plain(sized(t, 1<<62))}
		}},
		{name: "a size of 8 EiB, compressed", exit: unread, says: "unexpected EOF", layers: func(t *testing.T) []packedLayer {
			return []packedLayer{packed(gzipped(t, sized(t, 1<<62)), sized(t, 1<<62))}
		}},
		{name: "cut off", exit: unread, says: "unexpected EOF", layers: func(t *testing.T) []packedLayer {
			raw := small(t)
			z := gzipped(t, raw)
			return []packedLayer{packed(z[:len(z)/2], raw)}
		}},
		{name: "damaged", exit: unread, says: "reading layer 0 of", layers: func(t *testing.T) []packedLayer {
			raw := small(t)
			z := gzipped(t, raw)
			z[len(z)/2] ^= 0x55
			return []packedLayer{packed(z, raw)}
		}},
		{name: "another diffID", exit: unread, says: "diffID: digest does not match", layers: func(t *testing.T) []packedLayer {
			return []packedLayer{{gzipped(t, small(t)), "sha256:" + strings.Repeat("0", 64)}}
		}},
		{name: "gzip members one after the other", exit: exact, layers: func(t *testing.T) []packedLayer {
			raw := small(t)
			return []packedLayer{packed(append(gzipped(t, raw[:700]), gzipped(t, raw[700:])...), raw)}
		}},
		{name: "garbage behind gzip", exit: unread, says: "gzip: invalid header", layers: func(t *testing.T) []packedLayer {
			return []packedLayer{packed(append(gzipped(t, small(t)), "garbage behind"...), small(t))}
		}},
		{name: "garbage behind the tar", exit: exact, layers: func(t *testing.T) []packedLayer {
			return []packedLayer{plain(append(small(t), "garbage behind"...))}
		}},
		{name: "skippable frames", exit: exact, layers: func(t *testing.T) []packedLayer {
			skip := append([]byte{0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0}, "extra"...)
			return []packedLayer{packed(append(append(skip, zstandard(t, small(t))...), skip...), small(t))}
		}},
		{name: "a zstd window of 2 GiB", exit: unread, says: "window size exceeded", layers: func(t *testing.T) []packedLayer {
			return []packedLayer{packed(append(binary.LittleEndian.AppendUint32(nil, 0xfd2fb528), 0x00, 0xa8, 0x01, 0x00, 0x00), nil)}
		}},
		{name: "three zstd windows of 128 MiB", exit: exact, layers: func(t *testing.T) []packedLayer {
			l := wide(t, 200<<20)
			return []packedLayer{l, l, l}
		}, long: true},
		{name: "a thousand and one layers", exit: unread, says: "manifest: more than the limit of 1000 layers", layers: func(t *testing.T) []packedLayer {
			return make([]packedLayer, 1001)
		}},
	}
}

// TestHostileImages audits each of them in a process of its own, within the memory that is promised.
func TestHostileImages(t *testing.T) {
	imgaudit := buildProgram(t)
	t.Run("nothing is written outside the cache", func(t *testing.T) { traced(t, imgaudit) })
	t.Run("a config of 1 GiB", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "app")
		writeHostile(t, dir, []packedLayer{plain(small(t))})
		for _, blob := range blobs(t, dir, "rootfs") { // with holes: it takes no room here
			if err := os.Truncate(blob, 1<<30); err != nil {
				t.Fatal(err)
			}
		}
		hostile{exit: unread, says: "more than the limit of 8388608 bytes"}.judge(t, exec.Command(imgaudit, "check", "--no-cache", "oci:"+dir))
	})
	t.Run("three zstd windows of 128 MiB, through a pipe", func(t *testing.T) {
		if testing.Short() {
			t.Skip("short: takes seconds")
		}
		dir := t.TempDir()
		writeHostile(t, dir, []packedLayer{wide(t, 100<<20), wide(t, 101<<20), wide(t, 102<<20)})
		var stream bytes.Buffer
		w := tar.NewWriter(&stream)
		check(t, errors.Join(w.AddFS(os.DirFS(dir)), w.Close()))
		cmd := exec.Command(imgaudit, "check", "--no-cache", "-")
		cmd.Stdin = &stream
		hostile{exit: exact}.judge(t, cmd)
	})
	for _, h := range hostileImages() {
		t.Run(h.name, func(t *testing.T) {
			if h.long && testing.Short() {
				t.Skip("short: takes seconds")
			}
			dir := t.TempDir()
			writeHostile(t, filepath.Join(dir, "app"), h.layers(t))
			cmd := exec.Command(imgaudit, "check", "oci:"+filepath.Join(dir, "app"))
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
			h.judge(t, cmd)
			written, err := os.ReadDir(dir)
			if err != nil || len(written) > 2 {
				t.Errorf("written: %v, %v", written, err)
			}
		})
	}
}

// judge runs the command and holds its end against what is expected.
func (h hostile) judge(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	text, ok := string(out), false
	for _, code := range h.exit {
		ok = ok || cmd.ProcessState.ExitCode() == code
	}
	if !ok || !strings.Contains(text, h.says) || strings.Contains(text, "goroutine ") {
		t.Errorf("exit %d, want %v and %q:\n%.3000s", cmd.ProcessState.ExitCode(), h.exit, h.says, text)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.Logf("%d MiB, %v", usage.Maxrss>>10, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		if usage.Maxrss > mostMemory {
			t.Errorf("took %d KiB, more than %d", usage.Maxrss, mostMemory)
		}
	}
}

// opened is a system call that makes or changes a file, as strace shows it.
var opened = regexp.MustCompile(`(?m)^.*\b(?:open|openat|creat|mkdir|mkdirat|rename\w*|link|linkat|symlink\w*|truncate|chmod|fchmodat|chown|mknod\w*)\(.*$`)

// traced has strace look at an audit of an image whose names lead out.
func traced(t *testing.T, imgaudit string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace: cannot see what is written")
	}
	dir := t.TempDir()
	writeHostile(t, filepath.Join(dir, "app"), append(hostileImages()[0].layers(t), hostileImages()[1].layers(t)...))
	cache, trace := filepath.Join(dir, "cache"), filepath.Join(dir, "trace")
	cmd := exec.Command(strace, "-f", "-y", "-e", "trace=%file", "-o", trace, imgaudit, "check", "oci:"+filepath.Join(dir, "app"))
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "ptrace") {
		t.Skipf("strace may not trace here: %s", out)
	}
	raw, readErr := os.ReadFile(trace)
	if readErr != nil || !strings.Contains(string(raw), "index.json") {
		t.Fatalf("no trace: %v, %v\n%s", err, readErr, out)
	}
	for _, call := range opened.FindAllString(string(raw), -1) {
		reads := strings.Contains(call, "O_RDONLY") || strings.Contains(call, "O_PATH")
		if !reads && !strings.Contains(call, cache) && !strings.Contains(call, `"/dev/null"`) {
			t.Errorf("written outside of the cache: %s", call)
		}
	}
}
