package binary

import "bytes"

// bind looks up the symbols of all objects, the last loaded first, as ld.so does. Functions that only calls refer to are
// bound later, unless the object or LD_BIND_NOW asks for it now: they are reported, the program starts all the same.
// Sources: elf/rtld.c, dl_main; elf/dl-reloc.c; elf/dl-lookup.c.
func (g *glibc) bind() {
	definitions := g.definitions()
	now := g.env["LD_BIND_NOW"] != ""
	for i := len(g.objects) - 1; i >= 0; i-- {
		o := g.objects[i]
		if o == g.loader {
			continue
		}
		for _, s := range o.elf.Undefined {
			start := !s.Lazy || now || o.elf.BindNow
			if start && g.inconsistent(definitions[s.Name], s) {
				g.fail(127, "Inconsistency detected by ld.so: dl-lookup.c: check_match: Assertion "+
					"`version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!")
			}
			if s.Weak || g.bound(definitions[s.Name], s, o) {
				continue
			}
			g.missing(s)
			if start {
				g.fail(127, "%s", g.unbound(s, o))
			}
		}
	}
}

// inconsistent says whether ld.so gives up because the library that should define a version has none at all, though it
// has the symbol. The message has the line of ld.so's source too, which is left out here.
func (g *glibc) inconsistent(definitions []definition, want Symbol) bool {
	if want.Version == "" || len(definitions) == 0 {
		return false
	}
	first := definitions[0].object
	return len(first.elf.VersionDefs) == 0 && first == g.names[want.Library]
}

// unbound words a missing symbol. Source: elf/dl-lookup.c, _dl_lookup_symbol_x.
func (g *glibc) unbound(s Symbol, o *object) string {
	switch {
	case s.Version == "":
		return g.program.name + ": symbol lookup error: " + o.name + ": undefined symbol: " + s.Name
	case g.names[s.Library] != nil && bytes.Contains(g.content, []byte("link time reference")): // older than 2.36
		return g.program.name + ": relocation error: " + o.name + ": symbol " + s.Name + " version " + s.Version +
			" not defined in file " + s.Library + " with link time reference"
	}
	return g.program.name + ": symbol lookup error: " + o.name + ": undefined symbol: " + s.Name + ", version " + s.Version
}

// definition is a symbol defined by an object.
type definition struct {
	symbol Symbol
	object *object
}

// definitions collects the definitions of every name that is wanted, in load order.
func (g *glibc) definitions() map[string][]definition {
	found := map[string][]definition{}
	for _, o := range g.objects {
		for _, s := range o.elf.Undefined {
			found[s.Name] = nil
		}
	}
	for _, o := range g.objects {
		for _, s := range o.elf.Defined {
			if list, wanted := found[s.Name]; wanted {
				found[s.Name] = append(list, definition{s, o})
			}
		}
	}
	return found
}

// bound says whether one of the definitions fits a reference from an object. Source: elf/dl-lookup.c, check_match.
func (g *glibc) bound(definitions []definition, want Symbol, from *object) bool {
	for _, d := range definitions {
		if d.object == from && d.object == g.program {
			continue // a copied symbol: the program's own definition does not count
		}
		index, hidden := d.symbol.index&^versionHidden, d.symbol.index&versionHidden != 0
		switch {
		case len(d.object.elf.VersionDefs) == 0: // the object has no versions: any reference fits
			return true
		case want.Version == "" && (index <= 2 || !hidden): // the first version, or the default one
			return true
		case want.Version != "" && (d.symbol.Version == want.Version || index <= versionGlobal && !hidden):
			return true
		}
	}
	return false
}
