package binary

import "slices"

// knownWords is what is known of words of memory, by their addresses. It is a sorted slice, because it is copied and compared
// at every branch and looked into less often: that takes a third of the time of a map.
type knownWords []knownWord

// knownWord is a word of memory; its address is known.
type knownWord struct{ at, v value }

// find returns where an address is or would be.
func (c knownWords) find(at value) (int, bool) {
	low, high := 0, len(c)
	for low < high {
		switch mid := (low + high) / 2; {
		case c[mid].at == at:
			return mid, true
		case c[mid].at.before(at):
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// before says whether an address comes before another: by kind, by object, by number.
func (v value) before(other value) bool {
	if v.kind != other.kind {
		return v.kind < other.kind
	}
	if v.site != other.site {
		return v.site < other.site
	}
	return v.n < other.n
}

// get returns what an address holds.
func (c knownWords) get(at value) (value, bool) {
	if i, ok := c.find(at); ok {
		return c[i].v, true
	}
	return value{}, false
}

// set returns the knownWords with one changed or added.
func (c knownWords) set(at, v value) knownWords {
	i, ok := c.find(at)
	if ok {
		c[i].v = v
		return c
	}
	return slices.Insert(c, i, knownWord{at, v})
}

// without returns the knownWords but one.
func (c knownWords) without(at value) knownWords {
	if i, ok := c.find(at); ok {
		return slices.Delete(c, i, i+1)
	}
	return c
}
