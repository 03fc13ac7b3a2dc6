package binary

import (
	"encoding/json"
	"errors"
)

// facts is a Binary with what its JSON form for reports leaves out and the loader's simulation needs.
type facts struct {
	*Binary
	Defined []Symbol `json:"definedSymbols,omitempty"`
	Indexes []uint16 `json:"symbolIndexes,omitempty"` // of the undefined symbols, then of the defined
	Held    int      `json:"held"`
}

// EncodeFacts writes everything that was read of an executable, so that DecodeFacts gives the same Binary.
func EncodeFacts(b *Binary) ([]byte, error) {
	f := facts{Binary: b}
	if b.ELF != nil {
		f.Defined, f.Held = b.ELF.Defined, b.ELF.held
		for _, list := range [][]Symbol{b.ELF.Undefined, b.ELF.Defined} {
			for _, s := range list {
				f.Indexes = append(f.Indexes, s.index)
			}
		}
	}
	return json.Marshal(f)
}

// DecodeFacts is the way back from EncodeFacts.
func DecodeFacts(data []byte) (*Binary, error) {
	f := facts{Binary: &Binary{}}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.ELF == nil {
		return f.Binary, nil
	}
	f.ELF.Defined, f.ELF.held = f.Defined, f.Held
	if len(f.Indexes) != len(f.ELF.Undefined)+len(f.Defined) {
		return nil, errors.New("symbols without an index")
	}
	for _, list := range [][]Symbol{f.ELF.Undefined, f.ELF.Defined} {
		for i := range list {
			list[i].index, f.Indexes = f.Indexes[0], f.Indexes[1:]
		}
	}
	return f.Binary, nil
}
