package secret

import "encoding/binary"

// How the one pass works: of each anchor three neighbouring pairs of bytes are marked, so that one of them begins at an
// offset that is a multiple of three wherever the anchor is. The pairs at those offsets are looked up in a bitmap of all
// 65,536, which says which of them are marked. It has 8 KiB and stays in the first cache.

// anchor is a string by which secrets are found, and what must stand around it.
type anchor struct {
	text string
	pair int // offset of the three pairs; where the rarest letters are
	// match looks at the text around the anchor at an offset and returns the shape and how many bytes of it, from the
	// offset, are the secret; 0 if it is none.
	match func(text []byte, at int) (shape string, size int)
}

type index struct {
	marked [1 << 10]uint64
	group  [1 << 16]uint8 // of a marked pair; looked at for those alone
	marks  [][]mark
}

// mark is an anchor with the offset of the pair that was seen.
type mark struct {
	anchor *anchor
	offset int
}

// pairs is the index of all anchors.
var pairs = newIndex(anchors)

func newIndex(anchors []*anchor) *index {
	x := &index{marks: [][]mark{nil}}
	for _, a := range anchors {
		for _, offset := range []int{a.pair, a.pair + 1, a.pair + 2} {
			p := uint16(a.text[offset]) | uint16(a.text[offset+1])<<8
			x.marked[p>>6] |= 1 << (p & 63)
			if x.group[p] == 0 {
				x.group[p] = uint8(len(x.marks))
				x.marks = append(x.marks, nil)
			}
			x.marks[x.group[p]] = append(x.marks[x.group[p]], mark{a, offset})
		}
	}
	return x
}

// candidates calls visit for every anchor that begins in text[:n], in their order.
func candidates(text []byte, n int, visit func(at int, a *anchor)) {
	x := pairs
	end := min(len(text), n+longestAnchor) // pairs further on belong to anchors that begin behind n
	i := 0
	for ; i+8 <= end; i += 9 {
		w := binary.LittleEndian.Uint64(text[i:])
		a, b, c := uint16(w), uint16(w>>24), uint16(w>>48)
		if x.marked[a>>6]>>(a&63)&1|x.marked[b>>6]>>(b&63)&1|x.marked[c>>6]>>(c&63)&1 == 0 {
			continue
		}
		x.check(text, i, n, a, visit)
		x.check(text, i+3, n, b, visit)
		x.check(text, i+6, n, c, visit)
	}
	for ; i+2 <= end; i += 3 {
		x.check(text, i, n, binary.LittleEndian.Uint16(text[i:]), visit)
	}
}

// check looks for the anchors of a pair around its place.
func (x *index) check(text []byte, i, n int, pair uint16, visit func(int, *anchor)) {
	if x.marked[pair>>6]>>(pair&63)&1 == 0 {
		return
	}
	for _, m := range x.marks[x.group[pair]] {
		at := i - m.offset
		if at >= 0 && at < n && at+len(m.anchor.text) <= len(text) && string(text[at:at+len(m.anchor.text)]) == m.anchor.text {
			visit(at, m.anchor)
		}
	}
}
