package cache

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openTest(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := open(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestGetPut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := openTest(t, dir)
	if _, ok := s.Get("layers", "k"); ok {
		t.Error("an empty cache has something")
	}
	s.Put("layers", "k", []byte("one"))
	s.Put("layers", "k", []byte("two"))
	s.Put("layers", "empty", nil)
	if got, ok := s.Get("layers", "k"); !ok || string(got) != "two" {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, ok := s.Get("layers", "empty"); !ok || len(got) != 0 {
		t.Errorf("got %q, %v", got, ok)
	}
	if _, ok := s.Get("programs", "k"); ok {
		t.Error("another kind finds it")
	}
	other, err := open(dir, "another build")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, ok := other.Get("layers", "k"); ok {
		t.Error("another build finds it")
	}
	if hits, misses, damaged := s.Counts(); hits != 2 || misses != 2 || damaged != 0 {
		t.Errorf("%d hits, %d misses, %d damaged", hits, misses, damaged)
	}
	for _, name := range []string{dir, filepath.Join(dir, "layers")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	s.Put("layers", "huge", make([]byte, MaxEntry+1))
	if _, ok := s.Get("layers", "huge"); ok {
		t.Error("an entry beyond the bound was kept")
	}
}

func TestNilStore(t *testing.T) {
	var s *Store
	s.Put("layers", "k", []byte("one"))
	if _, ok := s.Get("layers", "k"); ok || s.Err() != nil || s.Close() != nil {
		t.Error("a nil Store has something")
	}
}

// TestDamage holds that whatever happens to an entry's file, the entry is absent and can be put again.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	payload := []byte("facts of a layer")
	file := filepath.Join(dir, s.fileName("layers", "k"))
	s.Put("layers", "other", []byte("facts of another"))
	other, err := os.ReadFile(filepath.Join(dir, s.fileName("layers", "other")))
	if err != nil {
		t.Fatal(err)
	}
	s.Put("layers", "k", payload)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func() error{
		"another's":   func() error { return os.WriteFile(file, other, 0o600) },
		"longer":      func() error { return os.WriteFile(file, append(bytes.Clone(whole), 0), 0o600) },
		"huge":        func() error { return os.Truncate(file, headSize+MaxEntry+1) },
		"a directory": func() error { return os.Mkdir(file, 0o700) },
		"a link out":  func() error { return os.Symlink("/etc/passwd", file) },
		"a link":      func() error { return os.Symlink("tidied", file) },
	}
	for n := range whole {
		damages[fmt.Sprintf("cut at %d", n)] = func() error { return os.WriteFile(file, whole[:n], 0o600) }
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		damages[fmt.Sprintf("changed at %d", n)] = func() error { return os.WriteFile(file, flipped, 0o600) }
	}
	for what, damage := range damages {
		s.Put("layers", "k", payload)
		if strings.HasPrefix(what, "a ") {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get("layers", "k"); ok {
			t.Errorf("%s: got %q", what, got)
		}
		s.Put("layers", "k", payload)
		if got, ok := s.Get("layers", "k"); !ok || !bytes.Equal(got, payload) {
			t.Errorf("%s: not rebuilt: %q, %v, %v", what, got, ok, s.Err())
		}
	}
	if _, _, damaged := s.Counts(); damaged != int64(len(damages)) {
		t.Errorf("%d damaged entries seen, want %d", damaged, len(damages))
	}
}

// TestInsideOnly holds that a link planted in the directory leads nowhere.
func TestInsideOnly(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "layers")); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, dir)
	s.Put("layers", "k", []byte("one"))
	if s.Err() == nil {
		t.Error("no error")
	}
	if _, ok := s.Get("layers", "k"); ok {
		t.Error("found")
	}
	if _, err := s.Prune(Limits{MaxSize: 0}); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(outside)
	if err != nil || len(left) != 0 {
		t.Errorf("outside: %v, %v", left, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, fs.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(file, "below"), open, "/dev/null/cache"} {
		if _, err := Open(name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if info, err := os.Stat(open); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("a directory of somebody else's was changed: %v, %v", info.Mode(), err)
	}
}

func TestDir(t *testing.T) {
	home := t.TempDir()
	for _, test := range []struct{ xdg, home, want string }{
		{"/x", home, "/x/imgaudit"},
		{"", home, home + "/.cache/imgaudit"},
		{"relative", home, home + "/.cache/imgaudit"},
		{"", "", ""},
		{"", "relative", ""},
		{"", filepath.Join(home, "nope"), ""},
		{"", "/dev/null", ""},
	} {
		env := map[string]string{"XDG_CACHE_HOME": test.xdg, "HOME": test.home}
		got, err := Dir(func(k string) (string, bool) { return env[k], env[k] != "" })
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	start := time.Now()
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Hour)
		key := fmt.Sprint(i)
		s.Put("layers", key, make([]byte, 1000))
		if err := s.root.Chtimes(s.fileName("layers", key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	keep := filepath.Join(dir, "layers", "README")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dead := s.fileName("layers", "0")[:len("layers/00")] + "/" + tempPrefix + "1"
	if err := s.root.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.root.Chtimes(dead, start, start); err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return start.Add(10 * time.Hour) }
	if _, ok := s.Get("layers", "0"); !ok { // and so it is used
		t.Fatal("gone")
	}
	size := headSize + 1000
	for _, step := range []struct {
		limits  Limits
		removed int
		left    string
	}{
		{Limits{MaxSize: -1}, 0, "0123456789"},
		{Limits{OlderThan: 8*time.Hour + time.Minute, MaxSize: -1}, 1, "023456789"},
		{Limits{MaxSize: 7 * size}, 2, "0456789"},
		{Limits{MaxSize: 7*size - 1}, 1, "056789"},
		{Limits{OlderThan: time.Minute, MaxSize: 6 * size}, 5, "0"},
		{Limits{MaxSize: 0}, 1, ""},
	} {
		removed, err := s.Prune(step.limits)
		if err != nil || removed.Entries != step.removed || removed.Bytes != int64(step.removed)*size {
			t.Errorf("%+v: %+v, %v", step.limits, removed, err)
		}
		left := ""
		for i := range 10 {
			if _, err := s.root.Lstat(s.fileName("layers", fmt.Sprint(i))); err == nil {
				left += fmt.Sprint(i)
			}
		}
		if left != step.left {
			t.Errorf("%+v: left %q, want %q", step.limits, left, step.left)
		}
	}
	if _, err := os.Stat(keep); err != nil {
		t.Error("a file that is no entry was removed")
	}
	if _, err := s.root.Lstat(dead); err == nil {
		t.Error("a dead writer's file was left")
	}
}

// TestTidy fills a cache beyond its size with sparse files and sees that the next process that writes tidies up, and the
// one after it does not look again.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	fill := func() {
		s := openTest(t, dir)
		for i := range DefaultSize/(32<<20) + 1 {
			key := fmt.Sprint("big", i)
			s.Put("layers", key, nil)
			if err := os.Truncate(filepath.Join(dir, s.fileName("layers", key)), 32<<20); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
	}
	total := func() (sum int64) {
		usage, err := openTest(t, dir).Stats()
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range usage {
			sum += u.Bytes
		}
		return sum
	}
	fill()
	stamp := filepath.Join(dir, tidyStamp)
	if _, err := os.Stat(stamp); err != nil {
		t.Fatal("nobody looked")
	}
	if got := total(); got > DefaultSize/4*3 {
		t.Errorf("%d bytes left", got)
	}
	fill()
	if got := total(); got <= DefaultSize {
		t.Errorf("looked again at once: %d bytes left", got)
	}
	old := time.Now().Add(-2 * tidyAfter)
	if err := os.Chtimes(stamp, old, old); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, dir)
	s.Put("layers", "k", []byte("one"))
	s.Close()
	if got := total(); got > DefaultSize/4*3 {
		t.Errorf("%d bytes left", got)
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte("facts"))
	f.Add(append(seal("name", []byte("facts")), "facts"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if payload, err := unseal("name", data); err == nil && !bytes.Equal(append(seal("name", payload), payload...), data) {
			t.Error("taken, though nobody sealed it")
		}
	})
}
