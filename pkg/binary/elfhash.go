package binary

import (
	"debug/elf"
	"fmt"
)

// hashed returns the symbols that can be found by name: those of DT_GNU_HASH, else those of DT_HASH, none without
// either. They are the indexes first <= i < end. Sources: System V ABI, "Hash Table"; glibc elf/dl-setup_hash.c.
func (d *dynamicTable) hashed() (first, end uint64, err error) {
	switch {
	case d.has(elf.DT_GNU_HASH):
		first, end, err = d.gnuHashed(d.value(elf.DT_GNU_HASH))
	case d.has(elf.DT_HASH):
		size := uint64(4)
		if d.f.machine == elf.EM_S390 && d.f.is64 || d.f.machine == elf.EM_ALPHA {
			size = 8 // these two ABIs have wide hash entries
		}
		var b []byte
		if b, err = d.f.at(d.value(elf.DT_HASH), 2*size); err == nil {
			first, end = 1, uint64(d.f.order.Uint32(b[4:])) // nchain, the number of symbols
			if size == 8 {
				end = d.f.order.Uint64(b[8:])
			}
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("reading the hash table: %w", err)
	}
	if end > maxSymbols {
		return 0, 0, fmt.Errorf("reading the hash table: %d symbols, the limit is %d", end, maxSymbols)
	}
	return first, end, nil
}

// gnuHashed finds the last symbol by following the chain of the highest bucket.
func (d *dynamicTable) gnuHashed(at uint64) (first, end uint64, err error) {
	b, err := d.f.at(at, 16)
	if err != nil {
		return 0, 0, err
	}
	buckets, offset := uint64(d.f.order.Uint32(b)), uint64(d.f.order.Uint32(b[4:]))
	bloom := uint64(d.f.order.Uint32(b[8:]))
	if buckets > maxSymbols {
		return 0, 0, fmt.Errorf("%d buckets, the limit is %d", buckets, maxSymbols)
	}
	at += 16 + bloom*d.f.pick(4, 8)
	table, err := d.f.at(at, 4*buckets)
	if err != nil {
		return 0, 0, err
	}
	last := uint64(0)
	for ; len(table) > 0; table = table[4:] {
		last = max(last, uint64(d.f.order.Uint32(table)))
	}
	if last < offset { // every bucket is empty
		return offset, offset, nil
	}
	at += 4 * buckets
	for ; last < maxSymbols; last++ {
		b, err := d.f.at(at+4*(last-offset), 4)
		if err != nil {
			return 0, 0, err
		}
		if d.f.order.Uint32(b)&1 != 0 { // the end of a chain
			return offset, last + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("more than %d symbols", maxSymbols)
}
