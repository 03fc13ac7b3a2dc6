package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// tarFile writes a tar.
type tarFile struct {
	*tar.Writer
	err     error
	ballast string
}

var zeros = make([]byte, 1<<20)

func (w *tarFile) add(h tar.Header) {
	if h.Mode == 0 {
		h.Mode = 0o644
	}
	w.err = errors.Join(w.err, w.WriteHeader(&h))
}

func (w *tarFile) file(name string, size int) {
	w.add(tar.Header{Name: name, Size: int64(size), Typeflag: tar.TypeReg})
	for ; size > 0 && w.err == nil; size -= min(size, len(zeros)) {
		_, w.err = w.Write(zeros[:min(size, len(zeros))])
	}
}

// tarTo writes a tar. Nothing large is held in memory: the peak of the test would be that of the program it starts.
func tarTo(out io.Writer, write func(*tarFile)) {
	w := &tarFile{Writer: tar.NewWriter(out), ballast: strings.Repeat("x", 512<<10)}
	write(w)
	if err := errors.Join(w.err, w.Close()); err != nil {
		panic(err) // the test's own mistake
	}
}

func tarred(write func(*tarFile)) []byte {
	var out bytes.Buffer
	tarTo(&out, write)
	return out.Bytes()
}

// typed has the headers of a tar be of another type.
func typed(kind byte) func(io.Writer) io.Writer {
	return func(out io.Writer) io.Writer { return &retype{out, kind} }
}

type retype struct {
	io.Writer
	kind byte
}

func (r *retype) Write(p []byte) (int, error) {
	if len(p) == 512 && string(p[257:262]) == "ustar" {
		p = bytes.Clone(p)
		sum := 0
		p[156] = r.kind
		copy(p[148:156], "        ")
		for _, b := range p {
			sum += int(b)
		}
		copy(p[148:156], fmt.Sprintf("%06o\x00 ", sum))
	}
	return r.Writer.Write(p)
}

// tars is one layer, packed with zstd as it is written: what is large is of the same byte, or nearly.
func tars(write func(*tarFile), through ...func(io.Writer) io.Writer) func(*testing.T) []packedLayer {
	return func(t *testing.T) []packedLayer {
		t.Helper()
		var stored bytes.Buffer
		z := encoder(t, &stored)
		sum := sha256.New()
		out := io.MultiWriter(z, sum)
		for _, f := range through {
			out = f(out)
		}
		tarTo(out, write)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return []packedLayer{{stored.Bytes(), fmt.Sprintf("sha256:%x", sum.Sum(nil))}}
	}
}

func small(t *testing.T) []byte {
	t.Helper()
	return tarred(func(w *tarFile) {
		for i := range 40 {
			w.file(fmt.Sprintf("etc/%x", sha256.Sum256([]byte{byte(i)})), 100*i)
		}
	})
}

// sized is a tar of one file that has not the bytes it claims.
func sized(t *testing.T, size int64) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(&tar.Header{Name: "a", Size: size, Mode: 0o644, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), make([]byte, 4096)...)
}

func plain(raw []byte) packedLayer { return packed(raw, raw) }

func packed(stored, raw []byte) packedLayer {
	return packedLayer{stored, fmt.Sprintf("sha256:%x", sha256.Sum256(raw))}
}

func gzipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encoder(t *testing.T, out io.Writer) *zstd.Encoder {
	t.Helper()
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func zstandard(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := encoder(t, &out)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// wide is a layer with one file of zeros in a zstd frame that asks for a window of 128 MiB. Source: RFC 8878, 3.1.1: a
// frame header without checksum and size, a raw block, blocks of one byte repeated, the last of them marked.
func wide(t *testing.T, size int) packedLayer {
	t.Helper()
	const raw, repeated, last, block = 0, 1, 1, 128 << 10
	header := sized(t, int64(size))[:512]
	stored := append(binary.LittleEndian.AppendUint32(nil, 0xfd2fb528), 0x00, (27-10)<<3)
	add := func(kind, mark, n int, data ...byte) {
		h := mark | kind<<1 | n<<3
		stored = append(append(stored, byte(h), byte(h>>8), byte(h>>16)), data...)
	}
	add(raw, 0, len(header), header...)
	sum := sha256.New()
	sum.Write(header)
	for range size / block {
		add(repeated, 0, block, 0)
		sum.Write(zeros[:block])
	}
	add(repeated, last, 1024, 0)
	sum.Write(zeros[:1024])
	return packedLayer{stored, fmt.Sprintf("sha256:%x", sum.Sum(nil))}
}

// bomb is a layer with one file of 32 GiB of zeros, made of many packed MiB one after the other.
func bomb(pack func(*testing.T, []byte) []byte) func(*testing.T) []packedLayer {
	return func(t *testing.T) []packedLayer {
		const size = 32 << 30
		stored := pack(t, sized(t, size)[:512])
		part := pack(t, make([]byte, 16<<20))
		for range size / (16 << 20) {
			stored = append(stored, part...)
		}
		return []packedLayer{{stored, "sha256:" + strings.Repeat("0", 64)}}
	}
}

// writeHostile writes an OCI layout.
func writeHostile(t *testing.T, dir string, layers []packedLayer) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(kind string, raw []byte) map[string]any {
		hex := fmt.Sprintf("%x", sha256.Sum256(raw))
		if err := os.WriteFile(filepath.Join(dir, "blobs/sha256", hex), raw, 0o644); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + hex, "size": len(raw)}
	}
	document := func(doc any) []byte {
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	descriptors, diffIDs := []any{}, []string{}
	for _, l := range layers {
		descriptors, diffIDs = append(descriptors, put("layer.v1.tar", l.stored)), append(diffIDs, l.diffID)
	}
	config := put("config.v1+json", document(map[string]any{"os": "linux", "architecture": "amd64",
		"config": map[string]any{"Entrypoint": []string{"/app"}, "User": "65532"}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}}))
	manifest := put("manifest.v1+json", document(map[string]any{"schemaVersion": 2, "config": config, "layers": descriptors}))
	index := document(map[string]any{"schemaVersion": 2, "manifests": []any{manifest}})
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644); err != nil {
		t.Fatal(err)
	}
}

// blobs are the files of a layout's blobs that hold a word.
func blobs(t *testing.T, dir, word string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "blobs/sha256/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if raw, err := os.ReadFile(file); err == nil && bytes.Contains(raw, []byte(word)) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		t.Fatalf("no blob with %q", word)
	}
	return files
}
