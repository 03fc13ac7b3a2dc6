package layers

import "fmt"

// LayerFS gives the files of one layer alone, those included that a later layer hides or replaces: what is shipped,
// whether the run-time shows it or not. Whiteouts do not appear, nor do hard links to files of other layers.
// It works for any layer that could be read, even if FS is nil for another's sake.
func (img *Image) LayerFS(index int) (*FS, error) {
	if index < 0 || index >= len(img.strata) || img.strata[index] == nil {
		return nil, fmt.Errorf("layer %d was not read", index)
	}
	t := newTree()
	for _, it := range img.strata[index].items {
		_ = t.put(index, it) // what cannot be placed is not part of a working image either
	}
	t.giveOwners()
	return &FS{tree: t}, nil
}
