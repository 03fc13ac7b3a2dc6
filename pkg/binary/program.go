package binary

import (
	"slices"
	"strings"
)

// program is the Go part of an executable.
type program struct {
	m     *memory
	table *pclntab
	mod   *module
	fns   *functions
	graph *graph // nil if calls cannot be read; then reach is nil too
	reach *reach
	info  *GoInfo // may be nil
	uses  map[string][]use
	// linked are the wanted functions that survived linking, as functions of their own or inlined.
	linked    map[string]bool
	bodies    map[string][]int32    // the wanted functions that are functions of their own
	states    map[int32][]callState // of the functions that were decoded
	traces    map[int32]*traced     // of the functions that were followed, nil for those that cannot be
	handOns   int                   // how often a list was followed to a function's callers
	variables []*variable           // whose writers were looked for
	lines     map[int32]*lines      // of the functions that were passed over
	regs      registers             // for a line at a time
	// decoded counts the bytes of code that were decoded.
	decoded int
	// insecure is the offset of InsecureSkipVerify in crypto/tls.Config, whose users the graph marks; 0 if unknown.
	insecure uint64
	rootCAs  uint64 // that of RootCAs; 0 if unknown
	flow     values // what becomes of function values
	sure     sureReach
	configs  []uint64 // addresses of the type
	structs  map[string][]uint64
	secrets  []Secret
}

// use is a place where a wanted function is called, inlined, or its address taken.
type use struct {
	name   string // of the wanted function
	caller int32
	at     uint32 // offset from the text; 0 if inlined
	how    how
}

// how a function is used.
type how int

const (
	called how = iota
	inlinedInto
	addressTaken
	sets
	loads
)

func (h how) String() string {
	return [...]string{"calls", "inlines", "refers to", "sets", "loads"}[h]
}

// newProgram reads the function table and the graph; wanted are the names whose uses are recorded.
func newProgram(m *memory, table *pclntab, mod *module, info *GoInfo, wanted map[string]bool) (*program, error) {
	ns, err := readNames(m, table, wanted)
	if err != nil {
		return nil, err
	}
	fns, inlines, err := readFunctions(m, table, mod, ns.all)
	if err != nil {
		return nil, err
	}
	p := &program{m: m, table: table, mod: mod, info: info, fns: fns, uses: map[string][]use{}, linked: map[string]bool{}, bodies: map[string][]int32{}, states: map[int32][]callState{}, lines: map[int32]*lines{}}
	named, started := map[int32]string{}, map[string][]int32{}
	wantedFunctions := newBitset(uint64(len(fns.name)))
	var main, inits []int32
	for i, name := range fns.name {
		switch w := ns.wanted[name]; {
		case w == mainName:
			main = append(main, int32(i))
		case starters[w]:
			started[w] = append(started[w], int32(i))
		case w != "":
			named[int32(i)] = w
			wantedFunctions.set(uint64(i))
			p.linked[w] = true
			p.bodies[w] = append(p.bodies[w], int32(i))
			if isInit([]byte(w)) {
				inits = append(inits, int32(i))
			}
		case ns.init[name]:
			inits = append(inits, int32(i))
		}
	}
	p.sortByName(inits)
	d, err := readData(m, mod, fns)
	if err != nil {
		return nil, err
	}
	p.structs, p.secrets = d.structs, d.secrets
	configs, insecure := p.structField("tls.Config", "InsecureSkipVerify")
	p.insecure, p.configs = insecure, configs
	for _, at := range configs {
		if offset, ok := m.fieldOffset(at, "RootCAs"); ok {
			p.rootCAs = offset
		}
	}
	if p.bitBelowOffset() {
		p.insecure /= 2
		p.rootCAs /= 2
	}
	p.graph, err = readGraph(m, table, mod, fns, started, wantedFunctions, configs, d)
	if err != nil && err != errNoGraph {
		return nil, err
	}
	if p.graph != nil {
		for _, s := range p.graph.sites {
			p.addUse(named, s)
		}
	}
	for _, in := range inlines {
		name := ns.wanted[in.name]
		p.linked[name] = true
		p.uses[name] = append(p.uses[name], use{name: name, caller: in.owner, how: inlinedInto})
	}
	if p.graph != nil {
		p.reach = newReach(p.graph, main, inits, p.follow)
	}
	return p, nil
}

// bitBelowOffset says whether the offsets of fields are twice what they are, for a bit stands below them.
// Source: reflect/type.go of Go 1.18, structField.offsetEmbed.
func (p *program) bitBelowOffset() bool {
	return p.table.format < format120 && (p.info == nil || !hasVersion(p.info.Version, "go1.19"))
}

// mainName is the root of every program.
const mainName = "main.main"

// addUse records a site of the graph.
func (p *program) addUse(named map[int32]string, s site) {
	u := use{name: named[s.callee], caller: s.caller, at: s.at, how: addressTaken}
	if s.calls {
		u.how = called
	}
	if u.name != named[s.caller] { // a wrapper of the same name
		p.uses[u.name] = append(p.uses[u.name], u)
	}
}

// sortByName sorts functions by name, so that paths do not depend on the linker's order.
func (p *program) sortByName(fns []int32) {
	name := map[int32]string{}
	for _, fn := range fns {
		name[fn] = p.name(fn)
	}
	slices.SortFunc(fns, func(a, b int32) int {
		if c := strings.Compare(name[a], name[b]); c != 0 {
			return c
		}
		return int(a - b)
	})
}

// name returns the name of a function as a person writes it.
func (p *program) name(fn int32) string {
	s, ok := p.m.cString(p.table.names+uint64(p.fns.name[fn]), maxName)
	if !ok {
		return "?"
	}
	return unescape(s)
}
