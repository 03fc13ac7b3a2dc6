package layers

import (
	"sync"
	"time"
)

// Phase is a part of the work of reading an image.
type Phase string

// The phases, in their order.
const (
	PhaseFind  Phase = "find"  // the image in its source: manifest and config
	PhaseLayer Phase = "layer" // one layer: fetched, unpacked, hashed and listed, or recalled from the cache
	PhaseMerge Phase = "merge" // all layers, into one tree
)

// Progress is what Read says of its work: while a layer is read, when the merge begins, and when a phase is over.
type Progress struct {
	Phase  Phase
	Layer  Layer         // of PhaseLayer; its sizes are the true ones once it is done without an error
	Total  int           // layers of the image
	Read   int64         // stored bytes of the layer read so far
	Done   bool          // the phase, or this layer of it, is over
	Cached bool          // the layer came from the cache
	Err    error         // why the layer could not be read
	Took   time.Duration // once it is done
}

// reporter calls Options.Progress, one call at a time.
type reporter struct {
	mu   sync.Mutex
	call func(Progress) // may be nil
}

func (r *reporter) report(p Progress) {
	if r == nil || r.call == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call(p)
}

// reportEvery is the least time between two reports of the bytes of a layer.
const reportEvery = 100 * time.Millisecond

// counter counts the bytes of a layer being read. A nil counter counts nothing.
type counter struct {
	reporter *reporter
	progress Progress
	next     time.Time
}

// count takes stored bytes of the layer that were read.
func (o *origin) count(n int64) {
	c := o.counter
	if c == nil || c.reporter.call == nil {
		return
	}
	c.progress.Read += n
	if now := time.Now(); now.After(c.next) {
		c.next = now.Add(reportEvery)
		c.reporter.report(c.progress)
	}
}
