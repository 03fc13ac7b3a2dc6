package layers

import (
	"archive/tar"
	"slices"
	"strings"
)

// Extra is what few entries of an image have.
type Extra struct {
	// Xattrs are the extended attributes as the layer states them, by name. Entry.Caps says of one of them that it is there.
	Xattrs []Xattr `json:"xattrs,omitempty"`
	// Major and Minor are the numbers of a character or block device.
	Major int64 `json:"major,omitempty"`
	Minor int64 `json:"minor,omitempty"`
}

// Xattr is an extended attribute. Source: xattr(7).
type Xattr struct {
	Name  string `json:"name"` // "security.capability"
	Value string `json:"-"`    // any bytes
}

// xattrPrefix begins the extended headers that hold extended attributes, as libarchive, GNU tar and Go write them and
// engines read them.
const xattrPrefix = "SCHILY.xattr."

// capability is the extended attribute of a file's capabilities.
const capability = "security.capability"

// What extra things take in memory beside their bytes.
const (
	extraCost = 64
	xattrCost = 32
)

// extraOf takes what is rare out of a tar header, nil if there is nothing. last is that of an entry before, which is
// taken again if it is the same: of labels all files of a layer have the same one.
func extraOf(h *tar.Header, last *Extra) (*Extra, error) {
	var x Extra
	if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
		x.Major, x.Minor = h.Devmajor, h.Devminor
	}
	size := 0
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, xattrPrefix)
		if !ok || value == "" { // an empty value is that of no record (pax, "Extended Header"), and engines set none
			continue
		}
		if size += len(name) + len(value); size > maxXattrs {
			return nil, limitError("extended attributes of a file", maxXattrs, "bytes")
		}
		x.Xattrs = append(x.Xattrs, Xattr{strings.Clone(name), strings.Clone(value)})
	}
	slices.SortFunc(x.Xattrs, func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case x.Xattrs == nil && x.Major == 0 && x.Minor == 0:
		return nil, nil
	case last.same(&x):
		return last, nil
	}
	return &x, nil
}

// same tells whether two are equal.
func (x *Extra) same(y *Extra) bool {
	return x == y || x != nil && y != nil && x.Major == y.Major && x.Minor == y.Minor && slices.Equal(x.Xattrs, y.Xattrs)
}

// has tells whether there is an extended attribute of some name.
func (x *Extra) has(name string) bool {
	return x != nil && slices.ContainsFunc(x.Xattrs, func(a Xattr) bool { return a.Name == name })
}

// text is how many bytes of names and values there are.
func (x *Extra) text() (n int) {
	if x != nil {
		for _, a := range x.Xattrs {
			n += len(a.Name) + len(a.Value)
		}
	}
	return n
}

// weight is what it takes in memory.
func (x *Extra) weight() int64 {
	if x == nil {
		return 0
	}
	return int64(extraCost + x.text() + xattrCost*len(x.Xattrs))
}

// with is what a file has after a hard link to it was made that says more: attributes are set, none is taken away, but
// for the capabilities, which go with a change of owner (chown(2)).
func (x *Extra) with(more *Extra, chowned bool) *Extra {
	var sum Extra
	if x != nil {
		sum = *x
		sum.Xattrs = slices.DeleteFunc(slices.Clone(x.Xattrs), func(a Xattr) bool { return chowned && a.Name == capability || more.has(a.Name) })
	}
	if more != nil {
		sum.Xattrs = append(sum.Xattrs, more.Xattrs...)
	}
	slices.SortFunc(sum.Xattrs, func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case len(sum.Xattrs) == 0 && sum.Major == 0 && sum.Minor == 0:
		return nil
	case x.same(&sum):
		return x
	}
	return &sum
}
