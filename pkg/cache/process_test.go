//go:build unix

package cache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The environment that makes this test binary a process that uses a cache: what it does, and the directory.
const (
	roleVariable = "CACHE_TEST_ROLE"
	dirVariable  = "CACHE_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "user":
		os.Exit(useCache(os.Getenv(dirVariable)))
	case "full":
		os.Exit(useFullDisk(os.Getenv(dirVariable)))
	}
	os.Exit(m.Run())
}

// start runs this test binary in a role.
func start(t *testing.T, role, dir string) error {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// payload is what every process puts under a key, in one of several lengths.
func payload(key string, n int) []byte { return bytes.Repeat([]byte(key+"\n"), n) }

// useCache puts, gets, prunes and damages entries at random, and exits 1 if it ever gets what nobody put.
func useCache(dir string) int {
	s, err := open(dir, "test")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer s.Close()
	found := 0
	for range 600 {
		key := fmt.Sprint("key", rand.IntN(12))
		switch rand.IntN(20) {
		case 0:
			if _, err := s.Prune(Limits{MaxSize: 64 << 10}); err != nil {
				fmt.Println(err)
				return 1
			}
		case 1:
			_ = os.Truncate(filepath.Join(dir, s.fileName("layers", key)), 60)
		case 2, 3, 4, 5, 6:
			s.Put("layers", key, payload(key, rand.IntN(5000)))
		default:
			got, ok := s.Get("layers", key)
			if ok && !bytes.Equal(got, payload(key, len(got)/(len(key)+1))) {
				fmt.Printf("%s: got %d bytes that nobody put\n", key, len(got))
				return 1
			}
			if ok {
				found++
			}
		}
	}
	if err := s.Err(); err != nil || found == 0 {
		fmt.Println("found", found, err)
		return 1
	}
	return 0
}

// TestProcesses has processes share a cache that is pruned and damaged all the time.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := start(t, "user", dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(dir, "layers", "*", tempPrefix+"*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

// useFullDisk puts an entry that the disk (a limit on the size of files) does not hold, and one that it does.
func useFullDisk(dir string) int {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 4096, Max: 4096}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := open(dir, "test")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s.Put("layers", "big", make([]byte, 10_000))
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "writing to the cache") {
		fmt.Println("no error:", err)
		return 1
	}
	if _, ok := s.Get("layers", "big"); ok {
		fmt.Println("half an entry is there")
		return 1
	}
	s.Put("layers", "small", []byte("x"))
	if _, ok := s.Get("layers", "small"); !ok {
		fmt.Println("what fits is not kept")
		return 1
	}
	return 0
}

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux's limit on the size of files")
	}
	dir := t.TempDir()
	if err := start(t, "full", dir); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "layers", "*", tempPrefix+"*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}
