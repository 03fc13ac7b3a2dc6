package binary_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// benchFile is a stripped HTTP server and client; IMGAUDIT_BENCH_BINARY names another program.
func benchFile(b *testing.B) string {
	if file := os.Getenv("IMGAUDIT_BENCH_BINARY"); file != "" {
		return file
	}
	file := filepath.Join(b.TempDir(), "app")
	c := exec.Command("go", "build", "-o", file, "-trimpath", "-ldflags=-s -w", apps+"/http-proxy")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if text, err := c.CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, text)
	}
	return file
}

// BenchmarkRead reads all that is known of a program.
func BenchmarkRead(b *testing.B) {
	file := benchFile(b)
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := binary.Read(bytes.NewReader(data), int64(len(data)), file); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResolve follows the dynamic loader of a program through this machine's libraries.
func BenchmarkResolve(b *testing.B) {
	file := benchFile(b)
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	e, err := binary.ReadELF(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		e.Resolve(os.DirFS("/"), file, nil, false)
	}
}
