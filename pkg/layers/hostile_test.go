package layers_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

func TestHostileLayersAreUnread(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(d *doctored)
		want   string
		digest bool
	}{
		{"truncated gzip", func(d *doctored) { check(d.t, os.Truncate(d.blob(1), 60)) }, "reading layer 1 of app: unexpected EOF", false},
		{"truncated tar", func(d *doctored) { check(d.t, os.Truncate(d.blob(0), 512)) }, "reading layer 0 of app: unexpected EOF", false},
		{"missing blob", func(d *doctored) { check(d.t, os.Remove(d.blob(1))) }, "reading layer 1 of app: not found: stat ", false},
		{"a directory for a blob", func(d *doctored) { check(d.t, os.Remove(d.blob(1))); check(d.t, os.Mkdir(d.blob(1), 0o755)) }, " is not a regular file", false},
		{"no tar", func(d *doctored) {
			d.manifest["layers"].([]any)[0] = d.put("x.tar", []byte(strings.Repeat("no tar ", 200)))
		},
			"reading layer 0 of app: not a tar, or a damaged one: archive/tar: invalid tar header", false},
		{"other bytes of the same length", func(d *doctored) {
			raw, err := os.ReadFile(d.blob(0))
			check(d.t, err)
			raw[512] = '2'
			check(d.t, os.WriteFile(d.blob(0), raw, 0o644))
		}, "reading layer 0 of app: blob: digest does not match: want sha256:", true},
		{"bytes behind the end", func(d *doctored) {
			raw, err := os.ReadFile(d.blob(0))
			check(d.t, err)
			check(d.t, os.WriteFile(d.blob(0), append(raw, 0), 0o644))
		}, "reading layer 0 of app: blob: digest does not match", true},
		{"a size that lies", func(d *doctored) { d.layer(1)["size"] = 100 }, "reading layer 1 of app: ", false},
		{"a diffID that lies", func(d *doctored) {
			ids := d.config["rootfs"].(map[string]any)["diff_ids"].([]any)
			ids[0], ids[1] = ids[1], ids[0]
		}, "reading layer 0 of app: diffID: digest does not match: want sha256:", true},
		{"foreign", func(d *doctored) {
			d.layer(1)["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
		}, "reading layer 1 of app: a foreign layer, which is never fetched", false},
		{"nondistributable", func(d *doctored) {
			d.layer(1)["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
		}, "reading layer 1 of app: a foreign layer, which is never fetched", false},
		{"encrypted", func(d *doctored) { d.layer(1)["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted" }, "reading layer 1 of app: an encrypted layer", false},
		{"no layer", func(d *doctored) { d.layer(1)["mediaType"] = "application/wasm\n" }, `reading layer 1 of app: a layer of the unknown media type "application/wasm\n"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := doctor(t, small())
			c.spoil(d)
			img, err := d.read()
			if err != nil {
				t.Fatalf("the whole image was refused: %v", err)
			}
			if img.FS != nil || len(img.Unread) == 0 || !strings.Contains(img.Unread[0].Because, c.want) {
				t.Fatalf("FS %v, unread %+v, want %s", img.FS, img.Unread, c.want)
			}
			if errors.Is(img.Unread[0].Err, layers.ErrDigest) != c.digest && c.name != "a size that lies" {
				t.Errorf("ErrDigest: %v", img.Unread[0].Err)
			}
			if !strings.HasPrefix(img.Unread[0].What, "layer ") || strings.Contains(img.Unread[0].Because, "\n") || len(img.Layers) != 2 {
				t.Errorf("%+v", img.Unread[0])
			}
		})
	}
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	zeros := "sha256:" + strings.Repeat("0", 64)
	for _, c := range []struct {
		name  string
		spoil func(d *doctored) // ends with index.json written
		want  string
		is    error
	}{
		{"manifest of other bytes", func(d *doctored) {
			m := d.put(manifestType, d.manifest)
			check(d.t, os.WriteFile(filepath.Join(d.dir, "blobs/sha256", m["digest"].(string)[7:]), []byte("{}"), 0o644))
			d.list(m)
		}, "digest does not match", layers.ErrDigest},
		{"config of other bytes", func(d *doctored) {
			file := d.manifest["config"].(map[string]any)["digest"].(string)[7:]
			check(d.t, os.WriteFile(filepath.Join(d.dir, "blobs/sha256", file), []byte("{}"), 0o644))
			d.list(d.put(manifestType, d.manifest))
		}, "config sha256:", layers.ErrDigest},
		{"manifest and index at once", func(d *doctored) {
			d.manifest["manifests"] = []any{d.manifest["config"]}
			d.list(d.put(manifestType, d.manifest))
		}, "ambiguous document: both a manifest and an index", nil},
		{"index under a manifest's media type", func(d *doctored) {
			m := d.put(manifestType, d.manifest)
			d.list(d.put(indexType, map[string]any{"schemaVersion": 2, "mediaType": manifestType, "manifests": []any{m}}))
		}, "ambiguous document", nil},
		{"index in the place of an image", func(d *doctored) {
			inner := d.put(manifestType, map[string]any{"schemaVersion": 2, "manifests": []any{d.put(manifestType, d.manifest)}})
			d.list(d.put(indexType, map[string]any{"schemaVersion": 2, "manifests": []any{inner}}))
		}, "is an index under the media type of a manifest", nil},
		{"an artifact", func(d *doctored) {
			d.manifest["config"].(map[string]any)["mediaType"] = "application/vnd.oci.empty.v1+json"
			d.list(d.put(manifestType, d.manifest))
		}, "an artifact with a config of type", layers.ErrNotImage},
		{"schema version 1", func(d *doctored) { d.list(d.put(manifestType, map[string]any{"schemaVersion": 1})) }, "schema version 1", layers.ErrNotImage},
		{"neither", func(d *doctored) { d.list(d.put(manifestType, map[string]any{"schemaVersion": 2})) }, "neither manifest nor index", layers.ErrNotImage},
		{"digest with a path", func(d *doctored) {
			d.list(map[string]any{"mediaType": manifestType, "digest": "sha256:../../etc/passwd", "size": 1})
		}, `malformed or unsupported digest "sha256:../../etc/passwd"`, nil},
		{"negative size", func(d *doctored) { d.list(map[string]any{"mediaType": manifestType, "digest": zeros, "size": -1}) }, "negative size", nil},
		{"missing manifest", func(d *doctored) { d.list(map[string]any{"mediaType": manifestType, "digest": zeros, "size": 1}) }, "not found", layers.ErrNotFound},
		{"no image", func(d *doctored) { d.list() }, "index.json lists no image", layers.ErrNotFound},
		{"too big a manifest", func(d *doctored) {
			d.manifest["annotations"] = map[string]any{"a": strings.Repeat("x", 4<<20)}
			d.list(d.put(manifestType, d.manifest))
		}, "more than the limit of 4194304 bytes", nil},
		{"too big a config", func(d *doctored) {
			d.config["x"] = strings.Repeat("x", 8<<20)
			d.manifest["config"] = d.put(configType, d.config)
			d.list(d.put(manifestType, d.manifest))
		}, "more than the limit of 8388608 bytes", nil},
		{"more diffIDs than layers", func(d *doctored) {
			d.config["rootfs"].(map[string]any)["diff_ids"] = []string{zeros}
			d.manifest["config"] = d.put(configType, d.config)
			d.list(d.put(manifestType, d.manifest))
		}, "config: the config lists 1 layers, the manifest 2", nil},
		{"indexes in indexes", func(d *doctored) {
			inner := d.put(manifestType, d.manifest)
			for range 5 {
				inner = d.put(indexType, map[string]any{"schemaVersion": 2, "manifests": []any{inner}})
			}
			d.list(inner)
		}, "nested indexes: more than the limit of 4 levels", nil},
		{"an index of attestations", func(d *doctored) {
			m := d.put(manifestType, d.manifest)
			m["platform"] = map[string]any{"os": "unknown", "architecture": "unknown"}
			d.list(d.put(indexType, map[string]any{"schemaVersion": 2, "manifests": []any{m}}))
		}, "the index lists no image", layers.ErrPlatform},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := doctor(t, small())
			c.spoil(d)
			img, err := layers.Read(context.Background(), layers.OCILayout, d.dir, layers.Options{})
			if err == nil || !strings.HasPrefix(err.Error(), "reading app: ") || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, %v; want %s", img, err, c.want)
			}
		})
	}
}

func TestHistoryThatDoesNotFitTheLayers(t *testing.T) {
	d := doctor(t, small())
	d.config["history"] = []any{map[string]any{"created_by": "only one"}}
	img, err := d.read()
	check(t, err)
	// Fewer steps than layers: a base without history lies below, the last layer is the step's.
	if img.FS == nil || img.History[0].Layer != 1 || img.Layers[0].Step != -1 || img.Layers[1].Step != 0 || img.Layers[0].CreatedBy != "" {
		t.Errorf("history %+v layers %+v", img.History, img.Layers)
	}
	d = doctor(t, small())
	one := map[string]any{"created_by": "one of three"}
	d.config["history"] = []any{one, one, one}
	img, err = d.read()
	check(t, err)
	// More steps than layers: nothing is known.
	if img.FS == nil || img.History[0].Layer != -1 || img.Layers[0].Step != -1 || img.Layers[1].Step != -1 {
		t.Errorf("history %+v layers %+v", img.History, img.Layers)
	}
}

func TestTruncatedArchives(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "app.tar")
	imagetest.WriteDockerArchive(t, whole, []string{"a:1"}, small().Build(t))
	raw, err := os.ReadFile(whole)
	check(t, err)
	for _, size := range []int{0, 100, 512, len(raw) / 3, len(raw) / 2} {
		cut := filepath.Join(dir, "cut.tar")
		check(t, os.WriteFile(cut, raw[:size], 0o644))
		for _, kind := range []layers.Kind{layers.DockerArchive, layers.OCIArchive} {
			img, err := layers.Read(context.Background(), kind, cut, layers.Options{})
			if err == nil && img.FS != nil {
				t.Errorf("%s cut at %d of %d bytes is read as a whole image", kind, size, len(raw))
			}
		}
	}
}

// storm is a layer of n whiteouts.
func storm(n int) []layers.File {
	var files []layers.File
	for i := range n {
		files = append(files, layers.File{Path: fmt.Sprintf("d%d/.wh.f%d", i%100, i)})
	}
	return files
}

func TestWhiteoutStormIsLinear(t *testing.T) {
	var base []layers.File
	for i := range 100_000 {
		base = append(base, layers.File{Path: fmt.Sprintf("d%d/f%d", i%100, i)})
	}
	start := time.Now()
	f := tree(t, base, storm(50_000))
	if spent := time.Since(start); spent > 10*time.Second {
		t.Errorf("took %v", spent)
	}
	if got := len(f.Deletions()); got != 50_000 {
		t.Errorf("%d deletions", got)
	}
}

func TestLongNames(t *testing.T) {
	name := strings.Repeat("n", 200)
	deep := strings.Repeat(name+"/", 20)[:4000]
	img := imagetest.Image{Layers: [][]layers.File{{file(deep, "deep"), link("l", strings.Repeat("a/", 2048))}}}
	file := filepath.Join(t.TempDir(), "app.tar")
	imagetest.WriteDockerArchive(t, file, []string{""}, img.Build(t))
	got, err := layers.Read(context.Background(), layers.DockerArchive, file, layers.Options{})
	check(t, err)
	if got.FS == nil {
		t.Fatalf("unread: %+v", got.Unread)
	}
	if data, err := got.FS.ReadFile(deep); err != nil || string(data) != "deep" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := got.FS.Resolve("/l"); err == nil {
		t.Error("a long link to nowhere resolves")
	}
}

func TestTarHeadersThatLie(t *testing.T) {
	whole := imagetest.Tar(t, []layers.File{file("a", "1")})
	for name, raw := range map[string][]byte{
		"body cut off":      whole[:512],
		"half a header":     whole[:300],
		"PAX size of 8 EiB": paxSize(t, "9223372036854775807"),
		"negative PAX size": paxSize(t, "-1"),
		"an unknown type":   typeflag(t, 'Z'),
	} {
		for _, packing := range []imagetest.Packing{imagetest.Plain, imagetest.Gzip} {
			img := imagetest.Image{Layers: [][]layers.File{nil}, Raw: map[int][]byte{0: raw}, Packing: map[int]imagetest.Packing{0: packing}}
			dir := filepath.Join(t.TempDir(), "app")
			imagetest.WriteLayout(t, dir, "", img.Build(t))
			got, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{})
			if err != nil || got.FS != nil || len(got.Unread) != 1 {
				t.Errorf("%s, packing %d: %v, %+v", name, packing, err, got)
			}
		}
	}
}

// typeflag is a tar with an entry of some type.
func typeflag(t *testing.T, flag byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	check(t, w.WriteHeader(&tar.Header{Name: "a", Typeflag: flag, Mode: 0o644}))
	check(t, w.Close())
	return out.Bytes()
}

// paxSize is a tar whose PAX record says another size than its body has.
func paxSize(t *testing.T, size string) []byte {
	t.Helper()
	record := fmt.Sprintf(" size=%s\n", size)
	record = fmt.Sprintf("%d%s", len(record)+2, record)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	check(t, w.WriteHeader(&tar.Header{Name: "pax", Typeflag: tar.TypeReg, Size: int64(len(record)), Mode: 0o644, Format: tar.FormatUSTAR}))
	_, err := io.WriteString(w, record)
	check(t, err)
	check(t, w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 3, Mode: 0o644, Format: tar.FormatUSTAR}))
	_, err = io.WriteString(w, "abc")
	check(t, err)
	check(t, w.Close())
	raw := out.Bytes()
	raw[156] = tar.TypeXHeader
	sum := int64(0)
	copy(raw[148:156], "        ")
	for _, b := range raw[:512] {
		sum += int64(b)
	}
	copy(raw[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

func TestHostileRegistry(t *testing.T) {
	big := strings.Repeat(" ", 5<<20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
		case strings.HasSuffix(r.URL.Path, "/manifests/big"):
			w.Header().Set("Content-Type", manifestType)
			_, _ = io.WriteString(w, big)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	if _, err := layers.Read(context.Background(), layers.Registry, host+"/app:big", layers.Options{}); err == nil || !strings.Contains(err.Error(), "more than the limit of 4194304 bytes") {
		t.Errorf("endless manifest: %v", err)
	}
	if _, err := layers.Read(context.Background(), layers.Registry, host+"/app:none", layers.Options{}); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("no manifest: %v", err)
	}
	if _, err := layers.Read(context.Background(), layers.Registry, "Not A Reference", layers.Options{}); err == nil {
		t.Error("an impossible reference is read")
	}
}

func TestContextEndsReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for kind, names := range everywhere(t, small()) {
		if img, err := layers.Read(ctx, kind, names[0], layers.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, %v", kind, img, err)
		}
	}
}
