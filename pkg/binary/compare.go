package binary

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Difference is where two builds of one program differ.
type Difference struct {
	// Sections are the names of those whose bytes differ or that only one has, in file order; nil if a section table is gone.
	Sections []string
	// Settings are those of the build information that differ, "KEY: FIRST -> SECOND", sorted.
	Settings []string
	Modules  []string    // dependencies of other versions, the same form
	Main     string      // the version of the main module, the same form; "" if it is the same
	BuildID  [2]string   // Go's
	Paths    [2][]string // of the builder, as in Layout
	// Places are the first places that differ, with the text around them; the build IDs are not among them.
	Places []Place
}

// Place is one place where two programs differ.
type Place struct {
	Section       string
	First, Second string // printable bytes around it; what is not is a dot
}

// Bounds of a comparison.
const (
	maxPlaces   = 64  // in all
	maxInOne    = 16  // of one section
	placeMargin = 40  // bytes before and behind what differs
	placeLength = 120 // bytes of what differs
)

// Compare finds where two executables differ. It fails if one of them is no ELF file.
func Compare(first, second io.ReaderAt, sizes [2]int64) (*Difference, error) {
	var all [2]*Binary
	var files [2]*elfFile
	for i, r := range []io.ReaderAt{first, second} {
		b, err := Read(r, sizes[i], "")
		if err != nil {
			return nil, fmt.Errorf("comparing two programs: %w", err)
		}
		if files[i], err = openELF(r, sizes[i]); err != nil {
			return nil, fmt.Errorf("comparing two programs: %w", err)
		}
		all[i] = b
	}
	d := &Difference{BuildID: [2]string{all[0].Layout.BuildID, all[1].Layout.BuildID}, Paths: [2][]string{all[0].Layout.Paths, all[1].Layout.Paths}}
	if a, b := all[0].Go, all[1].Go; a != nil && b != nil {
		d.Settings = changes(settingsOf(a), settingsOf(b))
		d.Modules = changes(modulesOf(a), modulesOf(b))
		if main := changes(map[string]string{a.Main.Path: a.Main.Version}, map[string]string{b.Main.Path: b.Main.Version}); len(main) > 0 {
			d.Main = main[0]
		}
	}
	if err := d.sections(files[0], files[1]); err != nil {
		return nil, fmt.Errorf("comparing two programs: %w", err)
	}
	return d, nil
}

func settingsOf(g *GoInfo) map[string]string {
	m := map[string]string{"go": g.Version, "path": g.Path}
	for k, v := range g.Settings {
		m[k] = v
	}
	return m
}

func modulesOf(g *GoInfo) map[string]string {
	m := map[string]string{}
	for _, dep := range g.Deps {
		m[dep.Path] = dep.Version
		if dep.Replace != nil {
			m[dep.Path] += " => " + dep.Replace.Path + " " + dep.Replace.Version
		}
	}
	return m
}

// changes lists the keys whose values differ.
func changes(a, b map[string]string) (all []string) {
	for k := range a {
		if v, ok := b[k]; !ok || v != a[k] {
			all = append(all, k+": "+a[k]+" -> "+v)
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok {
			all = append(all, k+":  -> "+v)
		}
	}
	slices.Sort(all)
	return all
}

// placedSection is a section and where it stands.
type placedSection struct {
	sectionHeader
	label string
}

// table is the sections of a file in file order, by name.
func (f *elfFile) table() (all []placedSection) {
	headers, names := f.sectionHeaders()
	if headers == nil {
		return nil
	}
	strtab := headers[names]
	slices.SortStableFunc(headers, func(a, b sectionHeader) int { return int(min(1, max(-1, int64(a.offset)-int64(b.offset)))) })
	for _, h := range headers {
		if name, ok := f.sectionName(strtab, h.name); ok && name != "" && h.offset <= uint64(f.size) && h.size <= uint64(f.size)-h.offset {
			all = append(all, placedSection{h, name})
		}
	}
	return all
}

// sections compares section by section.
func (d *Difference) sections(a, b *elfFile) error {
	others := map[string]placedSection{}
	for _, s := range b.table() {
		others[s.label] = s
	}
	for _, s := range a.table() {
		o, ok := others[s.label]
		delete(others, s.label)
		if !ok {
			d.Sections = append(d.Sections, s.label+" (only in the first)")
			continue
		}
		places, same, err := comparePart(io.NewSectionReader(a.r, int64(s.offset), int64(s.size)), io.NewSectionReader(b.r, int64(o.offset), int64(o.size)))
		if err != nil {
			return err
		}
		if same {
			continue
		}
		d.Sections = append(d.Sections, s.label)
		if strings.HasPrefix(s.label, ".note.") {
			continue
		}
		for _, p := range places {
			if p.Section = s.label; len(d.Places) < maxPlaces {
				d.Places = append(d.Places, p)
			}
		}
	}
	var more []string
	for name := range others {
		more = append(more, name+" (only in the second)")
	}
	slices.Sort(more)
	d.Sections = append(d.Sections, more...)
	return nil
}

// comparePart finds the places where two parts of files differ.
func comparePart(a, b *io.SectionReader) (places []Place, same bool, err error) {
	same = a.Size() == b.Size()
	const step = 64 << 10
	x, y := make([]byte, step), make([]byte, step)
	next := int64(0) // behind the last place
	for at := int64(0); at < min(a.Size(), b.Size()) && len(places) < maxInOne; at += step {
		n := min(step, a.Size()-at, b.Size()-at)
		if _, err := a.ReadAt(x[:n], at); err != nil && err != io.EOF {
			return nil, false, err
		}
		if _, err := b.ReadAt(y[:n], at); err != nil && err != io.EOF {
			return nil, false, err
		}
		if bytes.Equal(x[:n], y[:n]) {
			continue
		}
		same = false
		for i := range n {
			if x[i] != y[i] && at+i >= next && len(places) < maxInOne {
				from := max(0, at+i-placeMargin)
				places = append(places, Place{First: around(a, from), Second: around(b, from)})
				next = at + i + placeLength
			}
		}
	}
	return places, same, nil
}

// around is the text at an offset.
func around(r *io.SectionReader, from int64) string {
	text := make([]byte, min(placeMargin+placeLength, r.Size()-from))
	n, _ := r.ReadAt(text, from)
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '.'
		}
		return c
	}, string(text[:n]))
}
