package binary

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// graphOf makes a graph of nodes by where they go: next, target, and whether they return.
func graphOf(nodes ...[3]int32) *flowGraph {
	left := 1 << 20
	g := &flowGraph{left: &left, walked: make([]uint32, len(nodes)), failures: true}
	for i, n := range nodes {
		how := goesOn
		if n[2] != 0 {
			how = returns
		}
		g.nodes = append(g.nodes, node{begin: uint32(i), last: uint32(i), end: uint32(i + 1), ends: how, next: n[0], target: n[1], callee: -1})
	}
	return g
}

// diamond is a branch whose sides meet again before the end.
func diamond() *flowGraph {
	return graphOf([3]int32{1, 2}, [3]int32{3, -1}, [3]int32{3, -1}, [3]int32{-1, -1, 1})
}

func TestAvoids(t *testing.T) {
	g := diamond()
	for _, c := range []struct {
		name  string
		sites []int32
		want  bool
	}{
		{"nothing", nil, true}, {"the entry", []int32{0}, false}, {"one side", []int32{1}, true}, {"both sides", []int32{1, 2}, false},
		{"the end", []int32{3}, false},
	} {
		if got := g.avoids(0, c.sites); got != c.want {
			t.Errorf("%s: avoided: %v", c.name, got)
		}
	}
	g.nodes[0].cut[1] = true
	if g.avoids(0, []int32{1}) {
		t.Error("the only side left is avoided")
	}
	g.nodes[1].way = givesUp
	if g.avoids(0, nil) {
		t.Error("a way on which the program gives up is an end")
	}
}

// TestEndlessLoop has a loop of two sides that is entered from node 0: only its beginning is a new round.
func TestEndlessLoop(t *testing.T) {
	g := graphOf([3]int32{1, -1}, [3]int32{2, 3}, [3]int32{1, -1}, [3]int32{1, -1})
	g.settleLoops()
	if !g.avoids(0, nil) || !g.avoids(0, []int32{2}) || g.avoids(0, []int32{1}) || g.avoids(0, []int32{2, 3}) {
		t.Errorf("begins anew at %v", g.again)
	}
	if left := graphOf([3]int32{1, 2}, [3]int32{0, -1}, [3]int32{-1, -1, 1}); left.isEndless(0) {
		t.Error("a loop that is left is endless")
	}
}

// TestVisitsRunOut sees to it that nothing is sure when the budget is spent.
func TestVisitsRunOut(t *testing.T) {
	p := &program{}
	g := diamond()
	g.left, g.ends, g.failures = &p.sure.visits, true, false
	if p.unavoidable(g, []int32{1, 2}) {
		t.Error("sure without having looked")
	}
}

// TestFlowARM64 compares the flow with what the decoder of whole instructions says.
func TestFlowARM64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[flow]int{}
	for range 1 << 16 {
		w := r.Uint32()
		if r.IntN(2) == 0 { // a branch
			w = w&^(0x7e<<24) | []uint32{0x14, 0x34, 0x36, 0x54, 0x94}[r.IntN(5)]<<24
		}
		b := binary.LittleEndian.AppendUint32(nil, w)
		regs := registers{sp: 31}
		want, ok := stepARM64(&program{mod: &module{}}, b, 1<<30, &regs)
		if !ok || want.flow == flowNext {
			continue
		}
		if got := flowARM64(w, 1<<30); got != want.hop {
			t.Fatalf("%08x: got %+v, want %+v", w, got, want.hop)
		}
		seen[want.flow]++
	}
	if seen[flowBranch] == 0 || seen[flowJump] == 0 || seen[flowCall] == 0 {
		t.Errorf("tried %v", seen)
	}
}

func TestWayOf(t *testing.T) {
	for name, want := range map[string]wayOut{
		"os.Exit": exits, "log.Fatal": givesUp, "log.(*Logger).Panicf": givesUp, "runtime.gopanic": panics, "runtime.panicIndex": panics,
		"runtime.goPanicSliceB": panics, "runtime.morestack_noctxt": panics, "runtime.throw": panics, "runtime.block": blocks,
		"log.Print": comesBack, "runtime.newobject": comesBack, "example.com/log.Fatal": comesBack, "runtime.gcWriteBarrier2": comesBack,
	} {
		if got := wayOf(name); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}
