package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// attributed is a layer of files with extended attributes.
func attributed(t *testing.T, files ...map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, xattrs := range files {
		records := map[string]string{}
		for name, value := range xattrs {
			records[xattrPrefix+name] = value
		}
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%03d", i), Mode: 0o644, Typeflag: tar.TypeReg, PAXRecords: records}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestXattrsAreBounded(t *testing.T) {
	read := func(raw []byte, left *budget) (*facts, error) {
		return readStream(context.Background(), memoryBlob(raw), -1, left, newOrigin())
	}
	most := strings.Repeat("v", maxXattrs-len("user.x"))
	f, err := read(attributed(t, map[string]string{"user.x": most}), newBudget())
	if err != nil || f.items[0].entry.Extra.Xattrs[0].Value != most {
		t.Errorf("at the bound: %v", err)
	}
	_, err = read(attributed(t, map[string]string{"user.x": most + "v"}), newBudget())
	if err == nil || err.Error() != `"000": extended attributes of a file: more than the limit of 131072 bytes` {
		t.Errorf("beyond the bound: %v", err)
	}

	label := map[string]string{"security.selinux": "system_u:object_r:container_file_t:s0"}
	same, differing := make([]map[string]string, 200), make([]map[string]string, 200)
	for i := range same {
		same[i], differing[i] = label, map[string]string{"user.x": fmt.Sprintf("%0500d", i)}
	}
	left := newBudget()
	left.memory.Store(200*(entryCost+3) + 500)
	f, err = read(attributed(t, same...), left)
	if err != nil || f.items[0].entry.Extra != f.items[199].entry.Extra {
		t.Errorf("one label on all files: %v", err)
	}
	left.memory.Store(200*(entryCost+3) + 50_000)
	if _, err = read(attributed(t, differing...), left); err == nil || !strings.Contains(err.Error(), "bytes of memory") {
		t.Errorf("more attributes than memory: %v", err)
	}
}

// TestEntriesAreSmall holds the memory of an entry: a million of them must fit.
func TestEntriesAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(item{}); size > 128 || slabItems*int(size) > 32<<10 || unsafe.Sizeof(Entry{}) > 80 {
		t.Errorf("an item takes %d bytes, %d at once; an Entry %d", size, slabItems, unsafe.Sizeof(Entry{}))
	}
}
