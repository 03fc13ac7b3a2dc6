package binary

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// dynamicTable is PT_DYNAMIC: where the loader's tables are. Addresses in it are those of the file (bias 0).
type dynamicTable struct {
	f         *elfFile
	versym    *elfFile // the same file with a window of its own, to read DT_VERSYM beside DT_SYMTAB
	values    map[elf.DynTag][]uint64
	strings   string // DT_STRTAB
	nameBytes int    // bytes of names handed out so far
}

// dynamic reads PT_DYNAMIC, nil if there is none.
func (f *elfFile) dynamic() (*dynamicTable, error) {
	s, ok := f.first(elf.PT_DYNAMIC)
	if !ok || s.size == 0 {
		return nil, nil
	}
	entry := f.pick(8, 16)
	if s.size/entry > maxDynamic {
		return nil, fmt.Errorf("reading the dynamic table: %d bytes, the limit is %d", s.size, maxDynamic*entry)
	}
	b, err := f.bytes(s.offset, s.size/entry*entry)
	if err != nil {
		return nil, fmt.Errorf("reading the dynamic table: %w", err)
	}
	versym := *f
	versym.window = nil
	d := &dynamicTable{f: f, versym: &versym, values: map[elf.DynTag][]uint64{}}
	for ; len(b) > 0; b = b[entry:] {
		tag := elf.DynTag(f.word(b))
		if tag == elf.DT_NULL {
			break
		}
		d.values[tag] = append(d.values[tag], f.word(b[entry/2:]))
	}
	if err := d.readStrings(); err != nil {
		return nil, fmt.Errorf("reading the string table: %w", err)
	}
	return d, nil
}

// readStrings reads DT_STRTAB.
func (d *dynamicTable) readStrings() error {
	address, size := d.value(elf.DT_STRTAB), d.value(elf.DT_STRSZ)
	if address == 0 || size == 0 {
		return nil
	}
	if size > maxStringTable {
		return fmt.Errorf("%d bytes, the limit is %d", size, maxStringTable)
	}
	offset, length, err := d.f.offset(address)
	if err != nil {
		return err
	}
	if size > length {
		return fmt.Errorf("%d bytes: %w", size, io.ErrUnexpectedEOF)
	}
	var table strings.Builder // grows as the bytes come, unless the last one is there: a file may lie about its size
	if _, err := d.f.bytes(offset+size-1, 1); err == nil {
		table.Grow(int(size))
	}
	if _, err := io.CopyN(&table, io.NewSectionReader(d.f.r, int64(offset), int64(size)), int64(size)); err != nil {
		return err
	}
	d.strings = table.String()
	return nil
}

// has says whether a tag is there.
func (d *dynamicTable) has(tag elf.DynTag) bool { return len(d.values[tag]) > 0 }

// value returns the last value of a tag, as the loader does, 0 if there is none.
func (d *dynamicTable) value(tag elf.DynTag) uint64 {
	if v := d.values[tag]; len(v) > 0 {
		return v[len(v)-1]
	}
	return 0
}

// largeStrings is the size of a string table that names do not hold on to.
const largeStrings = 1 << 20

// held is how many bytes of names are kept, at most.
func (d *dynamicTable) held() int {
	if len(d.strings) > largeStrings {
		return d.nameBytes
	}
	return len(d.strings)
}

// name returns the string at an offset of the string table. The sum of all names is limited, because many names may
// share one long tail.
func (d *dynamicTable) name(offset uint64) (string, error) {
	if offset >= uint64(len(d.strings)) {
		return "", fmt.Errorf("a name at %#x of a string table of %#x bytes", offset, len(d.strings))
	}
	s := d.strings[offset:]
	end := strings.IndexByte(s[:min(len(s), maxNameBytes-d.nameBytes)], 0)
	if end < 0 && len(s) <= maxNameBytes-d.nameBytes {
		return "", fmt.Errorf("a name at %#x of the string table: %w", offset, io.ErrUnexpectedEOF)
	}
	if end < 0 {
		return "", errors.New("the names are too long")
	}
	d.nameBytes += end + 1
	if len(d.strings) > largeStrings {
		return strings.Clone(s[:end]), nil
	}
	return s[:end], nil
}
