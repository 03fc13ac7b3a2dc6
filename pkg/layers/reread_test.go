package layers

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// TestRereadOfLargeLayer recalls a layer that takes nearly all the memory there is, and reads a file of it that the
// cache has not: the entries are not paid for twice, nor are the bytes unpacked.
func TestRereadOfLargeLayer(t *testing.T) {
	names := make([]string, 2000)
	for i := range names {
		names[i] = fmt.Sprintf("srv/%04d", i)
	}
	store, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	blob := memoryBlob(packed(t, names...))
	first, err := readStream(context.Background(), blob, -1, newBudget(), newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	s := stored{descriptor: descriptor{Digest: first.digest, Size: first.size}, blob: blob}
	read := func(left *budget) (*stratum, bool) {
		t.Helper()
		l := Layer{DiffID: first.diffID}
		memo := &memo{store: store}
		o := memo.from(0, first.diffID)
		o.counter = &counter{reporter: &reporter{}}
		what, cached, err := s.read(context.Background(), &l, left, o)
		o.counter = nil
		if err != nil {
			t.Fatal(err)
		}
		return what, cached
	}
	read(newBudget())

	left := newBudget()
	room := int64(0)
	for _, it := range first.items {
		room += entryCost + int64(len(it.entry.Path))
	}
	left.memory.Store(room + 10_000) // for a few files besides
	left.unpacked.Store(first.tarSize + 100)
	what, cached := read(left)
	if !cached {
		t.Fatal("not from the cache")
	}
	for _, i := range []int{len(what.items) - 1, 0, 1000} {
		it := what.items[i]
		file, err := it.content.open(it.entry.Size)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, it.entry.Size)
		if _, err := file.ReadAt(data, 0); err != nil || strings.Trim(string(data), "x") != "" {
			t.Errorf("%s: %q, %v", it.entry.Path, data, err)
		}
	}
	again := what.items[0].content.(*remembered).from.again
	if len(again.offsets)+len(again.others) != len(names) || len(again.others) == 0 || len(again.offsets) == 0 {
		t.Errorf("of %d files %d are kept and %d are not", len(names), len(again.others), len(again.offsets))
	}
	if _, err := again.at(7); err == nil {
		t.Error("there is a file where none begins")
	}
	s.blob = memoryBlob(packed(t, append(names, "more")...))
	what, _ = read(newBudget())
	if _, err := what.items[0].content.open(1); err != nil {
		t.Fatalf("opening alone reads nothing: %v", err)
	}
	file, _ := what.items[0].content.open(1)
	if _, err := file.ReadAt(make([]byte, 1), 0); err == nil || !strings.Contains(err.Error(), "reading layer 0 again: ") {
		t.Errorf("another layer: %v", err)
	}
	o := newOrigin()
	o.bodies = &bodies{most: len(names) - 1, others: map[int64]content{}}
	if _, err := readStream(context.Background(), blob, -1, newBudget(), o); err == nil || err.Error() != "layer: more than the limit of 1999 entries" {
		t.Errorf("more entries than the cache says: %v", err)
	}
}
