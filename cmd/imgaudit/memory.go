package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// little is how much memory there is before the first collection, all of the runtime's included.
const little = 24 << 20

// collectLate puts the first collection off for what reads executables or Dockerfiles alone: of what that allocates most is
// alive to the end, a large program or two hundred Dockerfiles take some 50 MiB, and to look through it again and again is
// a tenth of the work, or a third. What boundMemory
// did not decide stays.
func collectLate() {
	const enough = 52 << 20
	if debug.SetMemoryLimit(-1) == little {
		debug.SetMemoryLimit(enough)
	}
}

// boundMemory has the collector sleep until an audit needs some memory, and then run often, and more often near the
// bound that holds for every image (see the limits of pkg/layers): what is alive during an audit is small or without
// pointers, so that this costs hardly any time, and the peak is near what is alive; an audit that needs little collects
// nothing. GOGC and GOMEMLIMIT, if set, decide instead.
func boundMemory() {
	const percent, most = 10, 224 << 20
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
