package binary

// Layout is what the sections and headers of the file say beside linkage: where its bytes are, how it is hardened, what
// identifies it. All sizes are bytes in the file.
type Layout struct {
	Sections []Section `json:"sections,omitempty"` // in file order; nil if the section table is gone
	Debug    int64     `json:"debug"`              // .debug_* and .zdebug_*, compressed as they are
	Symbols  int64     `json:"symbols"`            // .symtab and .strtab
	// BuildID is Go's (.note.go.buildid), GNUBuildID the linker's in hex (.note.gnu.build-id); "" if gone.
	BuildID    string `json:"buildID,omitempty"`
	GNUBuildID string `json:"gnuBuildID,omitempty"`
	// Hardening, as the loader sees it.
	PIE       bool   `json:"pie"`
	StaticPIE bool   `json:"staticPIE,omitempty"` // position independent without a loader
	RELRO     string `json:"relro"`               // "", "partial", "full"
	NX        bool   `json:"nx"`                  // the stack is not executable
	// Packages are the bytes of machine code by Go package, largest first; nil if the function table cannot be read.
	Packages []PackageSize `json:"packages,omitempty"`
	// Paths are directories of the builder that are compiled in (no -trimpath), at most 8.
	Paths []string `json:"paths,omitempty"`
}

// Section is one section.
type Section struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // in the file, 0 for .bss
}

// PackageSize is the machine code of one package, inlined code counted where it was inlined into.
type PackageSize struct {
	Package string `json:"package"`
	Size    int64  `json:"size"`
}
