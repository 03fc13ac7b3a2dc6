package binary

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// TestFactsHaveEverything gives every field that can be reached from a Binary, unexported ones included, a value of its
// own and sees that none is lost: a field that JSON leaves out must be added to facts.
func TestFactsHaveEverything(t *testing.T) {
	var b Binary
	n := 0
	fill(t, reflect.ValueOf(&b).Elem(), &n, 0)
	data, err := EncodeFacts(&b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeFacts(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := differing("Binary", reflect.ValueOf(b), reflect.ValueOf(*got)); diff != "" {
		t.Error(diff)
	}
}

// fill sets a value, and all below it, to something that is not zero; n counts.
func fill(t *testing.T, v reflect.Value, n *int, depth int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 12 { // Module.Replace
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n, depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			fill(t, reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), n, depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), n, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n, depth+1)
		fill(t, value, n, depth+1)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n % 200))
	default:
		t.Fatalf("a %s, which this test does not know", v.Type())
	}
}

// differing names the first place where two values differ, "" if there is none. An empty list and none are the same: no
// report tells them apart.
func differing(at string, a, b reflect.Value) string {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return at + ": only one is nil"
			}
			return ""
		}
		return differing(at, a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if diff := differing(at+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i)); diff != "" {
				return diff
			}
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d", at, a.Len(), b.Len())
		}
		for i := range a.Len() {
			if diff := differing(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i)); diff != "" {
				return diff
			}
		}
	case reflect.Map:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d", at, a.Len(), b.Len())
		}
		for _, k := range a.MapKeys() {
			if !b.MapIndex(k).IsValid() {
				return fmt.Sprintf("%s[%v]: missing", at, k)
			}
			if diff := differing(fmt.Sprintf("%s[%v]", at, k), a.MapIndex(k), b.MapIndex(k)); diff != "" {
				return diff
			}
		}
	default:
		if !a.Equal(b) {
			return fmt.Sprintf("%s: %v and %v", at, a, b)
		}
	}
	return ""
}

// TestFactsOfPrograms keeps what is read of real programs: small ones of testdata/apps, the go command, a program that
// C libraries are loaded for, and the executables of the directory IMGAUDIT_FACTS_DIR if it is set.
func TestFactsOfPrograms(t *testing.T) {
	dir := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"/bin/sh", filepath.Join(strings.TrimSpace(string(root)), "bin", "go")}
	for _, p := range []struct{ name, cgo, flag string }{{"https-client", "0", "-trimpath"}, {"signal-context", "0", "-ldflags=-s -w"}, {"lookup-host", "1", "-buildmode=pie"}} {
		out := filepath.Join(dir, p.name)
		c := exec.Command("go", "build", p.flag, "-o", out, ".")
		c.Dir = filepath.Join("..", "..", "testdata", "apps", p.name)
		c.Env = append(os.Environ(), "CGO_ENABLED="+p.cgo, "GOFLAGS=")
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", p.name, err, text)
		}
		files = append(files, out)
	}
	if more := os.Getenv("IMGAUDIT_FACTS_DIR"); more != "" {
		entries, err := os.ReadDir(more)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			files = append(files, filepath.Join(more, e.Name()))
		}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Log(err)
			continue
		}
		b, err := Read(bytes.NewReader(data), int64(len(data)), file)
		if err != nil {
			t.Log(err)
			continue
		}
		kept, err := EncodeFacts(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeFacts(kept)
		if err != nil {
			t.Fatal(err)
		}
		if diff := differing("Binary", reflect.ValueOf(*b), reflect.ValueOf(*got)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
		again, err := EncodeFacts(got)
		if err != nil || !bytes.Equal(again, kept) {
			t.Errorf("%s: the second time it is written otherwise: %v", file, err)
		}
		t.Logf("%s: %d bytes, %d symbols defined", file, len(kept), len(b.ELF.Defined))
	}
}
