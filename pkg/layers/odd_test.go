package layers_test

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// oddLayers are images of things that are rare and easily got wrong, each with the judges that unpack it. Contents of a
// file are its name.
var oddLayers = map[string]struct {
	layers [][]tar.Header
	only   string // the one judge that unpacks it, "" for both
}{
	"names": {layers: [][]tar.Header{{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700}, {Name: "./dot/", Typeflag: tar.TypeDir, Mode: 0o711}, {Name: "./dot/./x", Mode: 0o644, Size: 3},
		{Name: "/rooted/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "/rooted/x", Mode: 0o600, Size: 3}, {Name: "slashes//x", Mode: 0o600, Size: 3},
		{Name: "slashes/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "文件-é", Mode: 0o644, Size: 2}, {Name: "new\nline", Mode: 0o644, Size: 2}, {Name: "-dash ", Mode: 0o644, Size: 2},
	}}},
	"long names": {layers: [][]tar.Header{{
		{Name: strings.Repeat(strings.Repeat("p", 200)+"/", 15) + "pax", Mode: 0o644, Size: 9, Format: tar.FormatPAX},
		{Name: strings.Repeat(strings.Repeat("g", 200)+"/", 15) + "gnu", Mode: 0o644, Size: 9, Format: tar.FormatGNU},
		{Name: strings.Repeat("u", 90) + "/" + strings.Repeat("v", 90), Mode: 0o644, Size: 9, Format: tar.FormatUSTAR},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("t/", 1000), Format: tar.FormatGNU},
	}}},
	"devices": {layers: [][]tar.Header{{
		{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3, Mode: 0o666}, {Name: "sda", Typeflag: tar.TypeBlock, Devmajor: 8, Mode: 0o660, Gid: 6}, {Name: "nvme", Typeflag: tar.TypeBlock, Devmajor: 259, Devminor: 70_000, Mode: 0o660},
		{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o640, Uid: 5}, {Name: "pipe2", Typeflag: tar.TypeLink, Linkname: "pipe", Mode: 0o640, Uid: 5},
	}}},
	"owners": {layers: [][]tar.Header{{
		{Name: "big", Uid: 1<<31 + 5, Gid: 4294967294, Mode: 0o644, Format: tar.FormatPAX}, {Name: "names", Uname: "nobody", Gname: "daemon", Mode: 0o644},
		{Name: "suid", Uid: 7, Mode: 0o6755}, {Name: "sticky/", Typeflag: tar.TypeDir, Mode: 0o3777, Gid: 9}, {Name: "none", Mode: 0},
	}}},
	"extended attributes": {layers: [][]tar.Header{{
		{Name: "caps", Mode: 0o755, Size: 4, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": someCaps}},
		{Name: "user", Mode: 0o755, Size: 4, PAXRecords: map[string]string{"SCHILY.xattr.user.note": "x\x01y", "SCHILY.xattr.trusted.note": "", "SCHILY.xattr.security.note": "label\n"}},
		{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.user.note": "d"}},
		{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3, Mode: 0o666, PAXRecords: map[string]string{"SCHILY.xattr.security.note": "n"}},
		{Name: "linked", Typeflag: tar.TypeLink, Linkname: "caps", Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": someCaps}},
	}, {{Name: "caps", Mode: 0o755, Size: 5}, {Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.user.other": "e"}}}}},
	"a directory becomes a file and a directory again": {layers: [][]tar.Header{
		{{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "d/x", Mode: 0o644, Size: 1}},
		{{Name: "d", Mode: 0o600, Size: 4}},
		{{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o711}, {Name: "d/y", Mode: 0o644, Size: 1}}}},
	"a symlink becomes a directory": {layers: [][]tar.Header{
		{{Name: "usr/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "lib", Typeflag: tar.TypeSymlink, Linkname: "usr"}},
		{{Name: "lib/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "lib/x", Mode: 0o644, Size: 1}}}, only: "overlay"},
	"a symlink of the same layer as a parent": {layers: [][]tar.Header{
		{{Name: "real/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "way", Typeflag: tar.TypeSymlink, Linkname: "real"}, {Name: "way/x", Mode: 0o644, Size: 1},
			{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "../../../../real"}, {Name: "out/y", Mode: 0o644, Size: 1}, {Name: "abs", Typeflag: tar.TypeSymlink, Linkname: "/real"}, {Name: "abs/z", Mode: 0o644, Size: 1}}}},
	"whiteouts": {layers: [][]tar.Header{
		{{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "a/x", Mode: 0o644, Size: 1}, {Name: "a/y", Mode: 0o644, Size: 1}, {Name: "b/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "b/x", Mode: 0o644, Size: 1}},
		{{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "a/.wh.x"}, {Name: "a/.wh.never"}, {Name: "b/", Typeflag: tar.TypeDir, Mode: 0o700}, {Name: "b/.wh..wh..opq"}, {Name: "b/new", Mode: 0o644, Size: 1}, {Name: ".wh..wh.plnk/", Typeflag: tar.TypeDir, Mode: 0o700}, {Name: ".wh..wh.aufs", Mode: 0o600}},
		{{Name: ".wh.a"}}}, only: "overlay"},
	"a hard link into a lower layer": {layers: [][]tar.Header{
		{{Name: "a", Mode: 0o640, Size: 6, Uid: 3}}, {{Name: "b", Typeflag: tar.TypeLink, Linkname: "a", Mode: 0o640, Uid: 3}}, {{Name: ".wh.a"}}}, only: "umoci"},
	"two entries of one path": {layers: [][]tar.Header{
		{{Name: "a", Mode: 0o640, Size: 6}, {Name: "b", Mode: 0o644, Size: 2}, {Name: "a", Mode: 0o600, Size: 1}, {Name: "b/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "b/c", Mode: 0o644}}}, only: "umoci"},
}

const someCaps = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestMergeOfOddLayers(t *testing.T) {
	for judgeName, j := range judges(t) {
		t.Run(judgeName, func(t *testing.T) {
			j.available(t)
			for name, c := range oddLayers {
				if c.only != "" && c.only != judgeName {
					continue
				}
				var raw [][]byte
				for _, layer := range c.layers {
					raw = append(raw, tarOfHeaders(t, layer))
				}
				if diff, err := j.try(t, raw...); err != nil || diff != "" {
					t.Errorf("%s: %v\n%s", name, err, diff)
				}
			}
		})
	}
}

// TestSparseFilesAsUnpacked has GNU tar write sparse files in each of its formats of extended headers. The older format,
// which has a type of its own, no engine unpacks; TestSparseFiles reads it.
func TestSparseFilesAsUnpacked(t *testing.T) {
	gnu, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("no tar: nobody to write sparse files")
	}
	dir := plainDir(t)
	f, err := os.Create(filepath.Join(dir, "holes"))
	check(t, err)
	_, err = f.WriteAt([]byte("beginning"), 0)
	check(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte("middle"), 100), 30_000)
	check(t, err)
	check(t, f.Truncate(60_000))
	check(t, f.Close())
	check(t, os.WriteFile(filepath.Join(dir, "dense"), []byte("behind"), 0o644))
	for judgeName, j := range judges(t) {
		t.Run(judgeName, func(t *testing.T) {
			j.available(t)
			for _, format := range [][]string{{"--format=pax", "--sparse-version=0.0"}, {"--format=pax", "--sparse-version=0.1"}, {"--format=pax", "--sparse-version=1.0"}} {
				args := append([]string{"-C", dir, "--owner=0", "--group=0", "--sparse", "-cf", "-"}, format...)
				raw, err := exec.Command(gnu, append(args, "holes", "dense")...).Output()
				check(t, err)
				if len(raw) > 30_000 {
					t.Fatalf("%v: %d bytes: not written as a sparse file", format, len(raw))
				}
				if diff, err := j.try(t, raw); err != nil || diff != "" {
					t.Errorf("%v: %v\n%s", format, err, diff)
				}
			}
		})
	}
}
