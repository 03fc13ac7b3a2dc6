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
	// StaticLibc is the C library that is linked into a program without a loader: Glibc, or "" for none or another.
	StaticLibc Libc `json:"staticLibc,omitempty"`
	// CPU is the level of the processor that the program was built for, if not every processor of the architecture will do:
	// "v3" of GOAMD64, "v7" of GOARM, "v8.1,lse" of GOARM64, "power9" of GOPPC64. By the build information, and for C code
	// on amd64 by the file's properties.
	CPU string `json:"cpu,omitempty"`
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
