package layers

import "testing"

func TestEfficiencyIsBounded(t *testing.T) {
	shared := &item{entry: Entry{Path: "/a", Mode: 0o644, Size: 5}}
	img := &Image{FS: &FS{tree: newTree()}, strata: []*stratum{{items: make([]*item, maxEfficiency-1), whiteouts: []string{"/b"}}}}
	for i := range img.strata[0].items {
		img.strata[0].items[i] = shared
	}
	if e, ok := img.Efficiency(); !ok || e != (Efficiency{Score: 1}) {
		t.Errorf("at the bound: %+v, %v", e, ok)
	}
	img.strata[0].whiteouts = append(img.strata[0].whiteouts, "/c")
	if e, ok := img.Efficiency(); ok {
		t.Errorf("beyond the bound: %+v", e)
	}
	img.FS = nil
	if _, ok := img.Efficiency(); ok {
		t.Error("of an image that was not read")
	}
}
