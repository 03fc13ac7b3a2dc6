package binary

// takeAway is how far, in bytes, the call that runs a function value stands behind the instruction that makes it.
const takeAway = 256

// taken is a function whose address an instruction takes.
type taken struct {
	fn int32
	at uint32
}

// starters run a function value that is made for them at once or for certain: go, defer, sync.Once. deferReturn ends
// every function that has a defer statement. Source: cmd/compile/internal/ssagen, (*state).call and openDeferRecord.
var starters = map[string]bool{
	"runtime.newproc": true, "runtime.deferproc": true, "runtime.deferprocStack": true, "sync.(*Once).doSlow": true,
	"sync.(*WaitGroup).Go": true, "golang.org/x/sync/errgroup.(*Group).Go": true, deferReturn: true,
}

const deferReturn = "runtime.deferreturn"

// take records that the current function takes the address of another. Whether that one is called is seen when the
// function ends: one that is merely stored, such as a command's or a handler's, need not be.
func (s *scanner) take(fn int32, at uint32) {
	s.taken = append(s.taken, taken{fn, at})
}

// run records a call of a starter: the function whose address was taken last before it runs.
func (s *scanner) run(starter int32, at uint32) {
	if starter == s.deferReturn {
		s.defers = true
		return
	}
	if n := len(s.taken); n > 0 && at-s.taken[n-1].at < takeAway {
		s.edges = append(s.edges, s.taken[n-1].fn)
		s.taken = s.taken[:n-1]
	}
}

// settle makes weak steps of the functions that the current one took the address of and did not start. What becomes of
// them is seen later, for those that matter.
func (s *scanner) settle() {
	for _, t := range s.taken {
		if len(s.weak) >= maxWeak { // a weak step less: what it leads to stays possible
			break
		}
		how := byValue
		if s.defers && s.inside(t.fn) {
			how = byDefer
		}
		s.weak = append(s.weak, edge{s.current, t.fn, t.at, how})
	}
	s.taken, s.defers = s.taken[:0], false
}

// inside says whether a function is a closure written in the current one: its name goes on after a dot.
func (s *scanner) inside(fn int32) bool {
	outer, ok1 := s.m.cString(s.names+uint64(s.fns.name[s.current]), maxName)
	inner, ok2 := s.m.cString(s.names+uint64(s.fns.name[fn]), maxName)
	return ok1 && ok2 && len(inner) > len(outer)+1 && inner[:len(outer)] == outer && inner[len(outer)] == '.'
}
