package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// boundMemory has the collector sleep until an audit needs some memory, and then run often, and more often near the
// bound that holds for every image (see the limits of pkg/layers): what is alive during an audit is small or without
// pointers, so that this costs hardly any time, and the peak is near what is alive; an audit that needs little collects
// nothing. GOGC and GOMEMLIMIT, if set, decide instead.
func boundMemory() {
	const percent, little, most = 15, 24 << 20, 224 << 20
	switch {
	case os.Getenv("GOGC") != "":
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(most)
		}
	case os.Getenv("GOMEMLIMIT") != "":
		debug.SetGCPercent(percent)
	default:
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(little)
		runtime.AddCleanup(new([64]byte), func(struct{}) { // the first collection
			debug.SetGCPercent(percent)
			debug.SetMemoryLimit(most)
		}, struct{}{})
	}
}
