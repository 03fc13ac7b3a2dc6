package binary

import (
	"math/bits"
	"strings"
)

// noteProperty holds properties, among them the levels of x86-64 that C code was compiled for (-mneeded).
// Source: the x86-64 psABI, "Program Property"; elf.h, NT_GNU_PROPERTY_TYPE_0, GNU_PROPERTY_X86_ISA_1_NEEDED.
const (
	noteProperty = 5
	x86ISANeeded = 0xc0008002
)

// x86Levels returns the bits of a property note: the baseline is bit 0, v2 bit 1, v3 bit 2, v4 bit 3.
func x86Levels(f *elfFile, text []byte) uint32 {
	align := f.pick(4, 8)
	for len(text) >= 8 {
		kind, size := f.order.Uint32(text), uint64(f.order.Uint32(text[4:]))
		text = text[8:]
		if size > uint64(len(text)) {
			return 0
		}
		if kind == x86ISANeeded && size >= 4 {
			return f.order.Uint32(text)
		}
		text = text[min((size+align-1)&^(align-1), uint64(len(text))):]
	}
	return 0
}

// levelSettings are the build settings that choose a processor, and the least of each: every processor has it. Those that
// choose how floating point is done are not among them.
// Source: internal/buildcfg/cfg.go; `go help environment`, "Architecture-specific environment variables".
var levelSettings = map[string]struct{ key, least string }{
	"amd64":   {"GOAMD64", "v1"},
	"arm64":   {"GOARM64", "v8.0"},
	"arm":     {"GOARM", "5"},
	"ppc64":   {"GOPPC64", "power8"},
	"ppc64le": {"GOPPC64", "power8"},
	"riscv64": {"GORISCV64", "rva20u64"},
}

// cpuLevel returns the level of the processor that a program wants, "" for the least. On amd64 the C part may want more
// than the Go part.
func cpuLevel(b *Binary, x86 uint32) string {
	setting, level := levelSettings[b.ELF.Arch], ""
	if b.Go != nil {
		level = b.Go.Settings[setting.key]
	}
	switch b.ELF.Arch {
	case "amd64":
		if n := bits.Len32(x86 & 0xf); n > 1 {
			level = max(level, "v"+string(rune('0'+n)))
		}
	case "arm":
		level, _, _ = strings.Cut(level, ",") // ",softfloat" asks for less
		if level != "" && level != setting.least {
			return "v" + level
		}
	}
	if level == setting.least {
		return ""
	}
	return level
}
