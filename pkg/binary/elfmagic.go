package binary

import (
	"bytes"
	"fmt"
)

// magics are the first bytes of files that are given to us in place of an ELF file.
var magics = []struct{ prefix, name string }{
	{"MZ", "a Windows executable"},
	{"#!", "a script"},
	{"\xfe\xed\xfa\xce", "a macOS executable"},
	{"\xce\xfa\xed\xfe", "a macOS executable"},
	{"\xfe\xed\xfa\xcf", "a macOS executable"},
	{"\xcf\xfa\xed\xfe", "a macOS executable"},
	{"\xca\xfe\xba\xbe", "a macOS universal executable or a Java class"},
	{"\x00asm", "a WebAssembly module"},
	{"!<arch>\n", "an ar archive"},
	{"\x1f\x8b", "gzip data"},
	{"\x28\xb5\x2f\xfd", "zstd data"},
	{"PK\x03\x04", "a zip archive"},
}

// notELF is ErrNotELF with what the first bytes of the file tell.
func notELF(head []byte) error {
	if len(head) == 0 {
		return fmt.Errorf("%w but empty", ErrNotELF)
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return fmt.Errorf("%w but %s", ErrNotELF, m.name)
		}
	}
	return ErrNotELF
}
