// Package elftest writes small ELF files for tests: programs, shared libraries, C libraries and loaders that a
// simulated root needs to have, described in a few words of Go or JSON.
//
// It must never be used outside tests. The files are valid to debug/elf and to a dynamic loader, but hold no code:
// running one is a crash.
package elftest

import (
	"debug/elf"
	"fmt"
	"slices"
)

// Spec describes an ELF file. The zero value is a static program for amd64.
type Spec struct {
	Machine   string `json:"machine,omitempty"`   // "EM_X86_64" if empty
	Class     int    `json:"class,omitempty"`     // 32 or 64; 64 if zero
	BigEndian bool   `json:"bigEndian,omitempty"` //
	Type      string `json:"type,omitempty"`      // "ET_DYN" if empty and there is a SOName, else "ET_EXEC"

	Interpreter  string        `json:"interpreter,omitempty"`
	SOName       string        `json:"soname,omitempty"`
	Needed       []string      `json:"needed,omitempty"`
	RPath        []string      `json:"rpath,omitempty"`
	RunPath      []string      `json:"runpath,omitempty"`
	VersionNeeds []VersionNeed `json:"versionNeeds,omitempty"` // those of Undefined are added
	VersionDefs  []string      `json:"versionDefs,omitempty"`  // those of Defined are added
	Undefined    []Symbol      `json:"undefined,omitempty"`    // each gets a relocation
	Defined      []Symbol      `json:"defined,omitempty"`
	BindNow      bool          `json:"bindNow,omitempty"`

	// Strings are put into the file one after another, each with a NUL: what is compiled into a loader, such as the
	// default directories of glibc ("/lib64/", "/usr/lib64/").
	Strings []string `json:"strings,omitempty"`
}

// VersionNeed are the versions wanted of one library.
type VersionNeed struct {
	Library  string   `json:"library"`
	Versions []string `json:"versions"`
	Weak     []string `json:"weak,omitempty"` // wanted, but not missed (VER_FLG_WEAK)
}

// Symbol is a dynamic symbol.
type Symbol struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Library string `json:"library,omitempty"` // of an undefined symbol with a version: who defines it
	Weak    bool   `json:"weak,omitempty"`
	Lazy    bool   `json:"lazy,omitempty"`   // of an undefined symbol: bound at the first call
	Hidden  bool   `json:"hidden,omitempty"` // of a defined symbol: not the default version
}

// Build writes the file. It returns an error for a machine, class or type that it does not know.
func Build(s Spec) ([]byte, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	w := &writer{spec: s, is64: s.Class == 64, strings: []byte{0}, offsets: map[string]uint32{"": 0}}
	return w.file()
}

// complete fills in what was left out, in a copy.
func (s Spec) complete() (Spec, error) {
	if s.Machine == "" {
		s.Machine = elf.EM_X86_64.String()
	}
	if s.Class == 0 {
		s.Class = 64
	}
	if s.Class != 32 && s.Class != 64 {
		return s, fmt.Errorf("building an ELF file: class %d", s.Class)
	}
	if s.Type == "" {
		s.Type = elf.ET_EXEC.String()
		if s.SOName != "" {
			s.Type = elf.ET_DYN.String()
		}
	}
	s.VersionNeeds = slices.Clone(s.VersionNeeds)
	for _, u := range s.Undefined {
		s.VersionNeeds = addNeed(s.VersionNeeds, u)
	}
	s.VersionDefs = slices.Clone(s.VersionDefs)
	for _, d := range s.Defined {
		if d.Version != "" && !slices.Contains(s.VersionDefs, d.Version) {
			s.VersionDefs = append(s.VersionDefs, d.Version)
		}
	}
	return s, nil
}

// addNeed adds the version of an undefined symbol.
func addNeed(needs []VersionNeed, u Symbol) []VersionNeed {
	if u.Version == "" {
		return needs
	}
	i := slices.IndexFunc(needs, func(n VersionNeed) bool { return n.Library == u.Library })
	if i < 0 {
		return append(needs, VersionNeed{Library: u.Library, Versions: []string{u.Version}})
	}
	if !slices.Contains(needs[i].Versions, u.Version) && !slices.Contains(needs[i].Weak, u.Version) {
		needs[i].Versions = append(slices.Clone(needs[i].Versions), u.Version)
	}
	return needs
}

// dynamic says whether the file has a dynamic table.
func (s Spec) dynamic() bool {
	return s.Type == elf.ET_DYN.String() || s.Interpreter != "" || len(s.Needed) > 0
}
