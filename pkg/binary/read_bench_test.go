package binary_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// BenchmarkRead reads a stripped HTTP server and client. IMGAUDIT_BENCH_BINARY names another program to read.
func BenchmarkRead(b *testing.B) {
	file := os.Getenv("IMGAUDIT_BENCH_BINARY")
	if file == "" {
		file = filepath.Join(b.TempDir(), "app")
		c := exec.Command("go", "build", "-o", file, "-trimpath", "-ldflags=-s -w", apps+"/http-proxy")
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if text, err := c.CombinedOutput(); err != nil {
			b.Fatalf("building: %v\n%s", err, text)
		}
	}
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
