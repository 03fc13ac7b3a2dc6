package binary

import (
	"io"
	"io/fs"
)

// ELF is the part of an ELF file that the kernel and the dynamic loader look at.
type ELF struct {
	Class     int    `json:"class"` // 32 or 64
	BigEndian bool   `json:"bigEndian,omitempty"`
	Machine   string `json:"machine"`        // the kernel's name: "EM_X86_64", "EM_AARCH64", ...
	Arch      string `json:"arch,omitempty"` // GOARCH: "amd64", "arm64", ...; "" if Go knows none
	Type      string `json:"type"`           // "ET_EXEC", "ET_DYN", "ET_REL", "ET_CORE"
	PIE       bool   `json:"pie,omitempty"`  // ET_DYN with DF_1_PIE, or with an interpreter and no SOName
	// Interpreter is PT_INTERP, "" for a static program. Note: CGO_ENABLED=0 -buildmode=pie has one.
	Interpreter  string        `json:"interpreter,omitempty"`
	Needed       []string      `json:"needed,omitempty"` // DT_NEEDED, in order
	SOName       string        `json:"soname,omitempty"`
	RPath        []string      `json:"rpath,omitempty"`   // DT_RPATH split at ":"; ignored by glibc if RunPath is set
	RunPath      []string      `json:"runpath,omitempty"` // DT_RUNPATH split at ":"
	VersionNeeds []VersionNeed `json:"versionNeeds,omitempty"`
	VersionDefs  []string      `json:"versionDefs,omitempty"` // names defined in .gnu.version_d: what a libc provides
	Undefined    []Symbol      `json:"undefined,omitempty"`   // dynamic symbols that others must define
	// Defined are dynamic symbols that others can find in this file. Read leaves out those that only Go code can name:
	// no C library refers to them, and an external linker exports 200,000 from a large program.
	Defined []Symbol `json:"-"`
	BindNow bool     `json:"bindNow,omitempty"` // DF_BIND_NOW or DF_1_NOW: lazy symbols are bound at the start

	held int // bytes that Undefined and Defined keep in memory
}

// VersionNeed is one entry of .gnu.version_r: the versions wanted of one library.
type VersionNeed struct {
	Library  string   `json:"library"`  // "libc.so.6"
	Versions []string `json:"versions"` // "GLIBC_2.34"; weak ones (VER_FLG_WEAK) are left out
}

// Symbol is a dynamic symbol.
type Symbol struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Library string `json:"library,omitempty"`
	Weak    bool   `json:"weak,omitempty"`
	// Lazy is true for an undefined function that only calls refer to: glibc binds it at the first call, unless the file
	// or the environment (LD_BIND_NOW) asks otherwise; musl binds it at the start.
	Lazy bool `json:"lazy,omitempty"`

	index uint16 // of a defined symbol: its entry in .gnu.version, 0 without
}

// ReadELF reads the loader's view of an ELF file of size bytes, a program or a shared library. Limits on every
// count and size keep memory bounded; a file that lies about them gives an error, never a panic.
func ReadELF(r io.ReaderAt, size int64) (*ELF, error) { return readELF(r, size, false) }

// Libc is a family of C libraries.
type Libc string

// The families.
const (
	Glibc     Libc = "glibc"
	Musl      Libc = "musl"
	NoLibc    Libc = ""        // static: no loader
	OtherLibc Libc = "unknown" // an interpreter that is neither
)

// Linking is what the kernel and the dynamic loader would do with a program in an image.
type Linking struct {
	// Interpreter is PT_INTERP, "" if there is none (then nothing else is set: the program starts).
	Interpreter string `json:"interpreter,omitempty"`
	// InterpreterPath is where it is after following symlinks inside the image; "" if it is missing.
	InterpreterPath string `json:"interpreterPath,omitempty"`
	// Wants is the libc the program was linked for, by its interpreter and version needs; Has is the one the image's loader belongs to.
	Wants Libc `json:"wants,omitempty"`
	Has   Libc `json:"has,omitempty"`
	// Libraries is the breadth-first closure of NEEDED in load order.
	Libraries []Library `json:"libraries,omitempty"`
	// MissingVersions are symbol versions that a library found does not define (glibc refuses to start, musl does not care).
	MissingVersions []MissingVersion `json:"missingVersions,omitempty"`
	// MissingSymbols are undefined, non-weak symbols that no loaded library defines, as the loader's own relocation would find.
	MissingSymbols []Symbol `json:"missingSymbols,omitempty"`
	// Failure is the first error in the words of the kernel or loader, "" if the program is loaded.
	Failure string `json:"failure,omitempty"`
	// ExitCode is the loader's (127 or 1); 0 if Failure is "" or comes from execve.
	ExitCode int `json:"exitCode,omitempty"`
	// Unread are files of the image that should have been looked at and could not be; with any, Failure "" means unknown.
	Unread []string `json:"unread,omitempty"`
}

// Library is one library of the closure.
type Library struct {
	Name     string   `json:"name"`               // as in NEEDED
	Path     string   `json:"path,omitempty"`     // where it was found (as the loader names it), "" if missing
	By       string   `json:"by"`                 // who needs it: the program's path, a library's name, "LD_PRELOAD" or "/etc/ld.so.preload"
	Via      string   `json:"via,omitempty"`      // "rpath", "runpath", "LD_LIBRARY_PATH", "ld.so.cache", "default path", "musl path", "loader itself"
	Searched []string `json:"searched,omitempty"` // places tried, in order
}

// MissingVersion is a symbol version that the image's library lacks.
type MissingVersion struct {
	Library string `json:"library"` // "libc.so.6"
	Path    string `json:"path"`    // where the library was found
	Version string `json:"version"` // "GLIBC_2.38"
	By      string `json:"by"`      // the file that wants it
	Newest  string `json:"newest"`  // the newest version of that prefix the library defines: "GLIBC_2.36"
}

// Resolve simulates execve and the dynamic loader (ld.so(8) of glibc, ldso/dynlink.c of musl as documented) for the
// program e that stands at path in root. env is the environment as "K=V"; secure is true for a setuid program or one
// with file capabilities (AT_SECURE: LD_LIBRARY_PATH is ignored). Nothing is executed.
//
// root should implement fs.ReadLinkFS, and resolve symlinks inside itself on Open.
func (e *ELF) Resolve(root fs.FS, path string, env []string, secure bool) *Linking {
	return e.resolve(root, path, env, secure)
}
