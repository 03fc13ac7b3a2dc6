package binary

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// Limits of the call graph; dockerd has 600,000 edges.
const (
	maxEdges = 1 << 23
	maxSites = 1 << 18
	maxSlots = 1 << 22
	maxWeak  = 1 << 20
)

// graph says which function calls, or takes the address of, which. It is made by looking at every byte of the text
// without decoding it: no call is missed, and hardly one is seen that is not there.
//
// Calls through interfaces, reflection and stored function values are not in it. So a function it cannot reach may
// still run: the graph proves what can happen and never what cannot.
type graph struct {
	fns       *functions
	edges     []int32  // the callees of all functions
	start     []uint32 // where those of each function start
	into      reverse  // made when it is first asked for
	sites     []site   // where wanted functions are called, by address
	slots     slots    // words of the data that hold the entry of a function
	inner     []uint32 // addresses inside functions that the data holds, as offsets from the text: jump tables
	weak      []edge   // steps that may not happen, by caller: to the methods of an interface value, to functions whose address is taken
	weakStart []uint32 // as start
	data      []int32  // functions that a variable holds before the program starts, ascending
	marks     []int32  // functions that refer to a marked address, ascending
	mentions  mentions
}

// edge is a step that may be a call.
type edge struct {
	caller, callee int32
	at             uint32 // offset of the instruction from the text, 0 for byMethod
	why            why
}

// why is how a step comes about that may be a call.
type why uint8

const (
	byDefer    why = iota // the address is taken where the callee is written, in a function that defers something
	byValue               // it is taken elsewhere
	byInstance            // it is the only method of an interface value that is made
	byMethod              // it is one of several
)

// site is a place in the text where a wanted function is called or its address taken.
type site struct {
	caller, callee int32
	at             uint32 // offset of the instruction from the text
	calls          bool
}

// scanner gathers edges while the text is walked in order.
type scanner struct {
	*graph
	m        *memory
	text     uint64
	mod      *module
	wanted   bitset   // functions whose sites are
	marked   []uint64 // addresses whose users are wanted
	starters bitset
	names    uint64 // address of the function names
	// Of the function we are in: the functions whose address it took, and whether it defers something.
	taken       []taken
	defers      bool
	deferReturn int32
	current     int32  // the function we are in
	border      uint32 // where it ends
	begin       int    // where its edges start
	beginWeak   int    // and its weak ones
	itabs       []load // what may be method tables
	overflow    bool
}

// load is an instruction that loads an address.
type load struct {
	address uint64
	at      uint32 // offset from the text
}

// errNoGraph says that calls cannot be read for this machine.
var errNoGraph = errors.New("calls are read for amd64 and arm64 only")

// readGraph reads the calls of all functions.
func readGraph(m *memory, t *pclntab, mod *module, fns *functions, started map[string][]int32, wanted bitset, marked []uint64, d *data) (*graph, error) {
	n := len(fns.entry)
	g := &graph{fns: fns, start: make([]uint32, 0, n+1), weakStart: make([]uint32, 0, n+1), slots: d.slots, inner: d.inner, data: d.held, mentions: newMentions(m)}
	g.edges, g.weak, g.mentions.all = make([]int32, 0, 5*n), make([]edge, 0, 2*n), make([]mention, 0, 2*n) // what large programs have, or nearly
	s := &scanner{graph: g, m: m, text: mod.text, mod: mod, wanted: wanted, marked: marked, names: t.names, current: -1, starters: newBitset(uint64(n)), deferReturn: -1}
	for name, bodies := range started {
		for _, fn := range bodies {
			s.starters.set(uint64(fn))
			if name == deferReturn {
				s.deferReturn = fn
			}
		}
	}
	var visit func(uint64, []byte, int)
	switch m.f.machine {
	case elf.EM_X86_64:
		visit = s.scanAMD64
	case elf.EM_AARCH64:
		visit = s.newScanARM64()
	default:
		return nil, errNoGraph
	}
	if err := m.walk(mod.text, mod.etext-mod.text, 64, visit); err != nil {
		return nil, fmt.Errorf("reading the text: %w", err)
	}
	s.enter(uint32(mod.etext - mod.text))
	for len(g.start) <= n {
		g.start, g.weakStart = append(g.start, uint32(len(g.edges))), append(g.weakStart, uint32(len(g.weak)))
	}
	g.marks = slices.Compact(g.marks)
	if s.overflow {
		return nil, fmt.Errorf("reading the text: more than %d calls, or %d that matter", maxEdges, maxSites)
	}
	return g, nil
}

// enter makes the function that offset is in the current one.
func (s *scanner) enter(offset uint32) {
	for int(s.current)+1 < len(s.fns.entry) && s.fns.entry[s.current+1] <= offset {
		s.close()
		s.current++
		s.start, s.weakStart = append(s.start, uint32(len(s.edges))), append(s.weakStart, uint32(len(s.weak)))
	}
	if offset >= s.fns.end {
		s.close()
	}
	s.border = s.next()
}

// close sorts the edges of the current function.
func (s *scanner) close() {
	s.settle()
	slices.SortStableFunc(s.itabs, func(a, b load) int { return cmp.Compare(a.address, b.address) })
	for i, itab := range s.itabs {
		if i == 0 || itab.address != s.itabs[i-1].address {
			s.addMethods(itab)
		}
	}
	s.itabs = s.itabs[:0]
	loose := s.weak[s.beginWeak:]
	slices.SortFunc(loose, func(a, b edge) int {
		if a.callee != b.callee {
			return cmp.Compare(a.callee, b.callee)
		}
		return cmp.Compare(a.at, b.at)
	})
	s.weak = s.weak[:s.beginWeak+len(slices.Compact(loose))]
	s.beginWeak = len(s.weak)
	mine := s.edges[s.begin:]
	slices.Sort(mine)
	s.edges = s.edges[:s.begin+len(slices.Compact(mine))]
	s.begin = len(s.edges)
}

// next returns the offset at which the current function ends.
func (s *scanner) next() uint32 {
	if int(s.current)+1 < len(s.fns.entry) {
		return s.fns.entry[s.current+1]
	}
	return s.fns.end
}

// add records that the instruction at offset at calls, or takes the address of, a function.
func (s *scanner) add(callee int32, at uint32, calls bool) {
	if s.current < 0 || callee == s.current {
		return
	}
	s.overflow = s.overflow || len(s.edges) >= maxEdges
	if s.overflow {
		return
	}
	if calls {
		s.edges = append(s.edges, callee)
		if s.starters.has(uint64(callee)) {
			s.run(callee, at)
		}
	} else {
		s.take(callee, at)
	}
	if s.wanted.has(uint64(callee)) {
		s.overflow = s.overflow || len(s.sites) >= maxSites
		s.sites = append(s.sites, site{s.current, callee, at, calls})
	}
}

// addAddress records that the instruction at offset at loads an address: a function, or a word that holds one.
func (s *scanner) addAddress(address uint64, at uint32) {
	if offset := address - s.text; offset < uint64(s.fns.end) {
		if fn, ok := s.fns.at(offset); ok {
			s.add(fn, at, false)
		}
	} else if fn, ok := s.slots.at(address); ok {
		s.add(fn, at, false)
	} else if slices.Contains(s.marked, address) {
		s.marks = append(s.marks, max(s.current, 0))
	} else if s.slots.holds(address+itabMethods) && s.current >= 0 {
		s.itabs = append(s.itabs, load{address, at})
	}
}

const (
	itabMethods      = 24 // abi.ITab.Fun, after the interface, the type and a hash
	interfaceMethods = 64 // the number of methods in abi.InterfaceType
	maxMethods       = 256
)

// addMethods records the methods of the itab at an address, if it is one, for the current function: what loads it makes
// an interface value, through which they can be called. Source: internal/abi/iface.go, ITab.
func (s *scanner) addMethods(itab load) {
	if len(s.weak) >= maxWeak { // a weak step less: what it leads to stays possible
		return
	}
	inter, ok1 := s.m.word(itab.address)
	typ, ok2 := s.m.word(itab.address + 8)
	size := s.mod.etypes - s.mod.types
	if !ok1 || !ok2 || inter-s.mod.types >= size || typ-s.mod.types >= size {
		return
	}
	count, _ := s.m.word(inter + interfaceMethods)
	at, how := uint32(0), byMethod
	if count == 1 {
		at, how = itab.at, byInstance
	}
	for i := range min(count, maxMethods) {
		if fn, ok := s.slots.at(itab.address + itabMethods + 8*i); ok {
			s.weak = append(s.weak, edge{s.current, fn, at, how})
		}
	}
}

// callees returns the functions that a function calls or takes the address of, ascending.
func (g *graph) callees(fn int32) []int32 { return g.edges[g.start[fn]:g.start[fn+1]] }

// methods returns the methods that a function's conversions to interfaces make callable.
func (g *graph) methods(fn int32) []edge { return g.weak[g.weakStart[fn]:g.weakStart[fn+1]] }
