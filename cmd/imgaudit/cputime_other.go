//go:build !unix

package main

import "time"

const cpuTimeKnown = false

// cpuTime is not known.
func cpuTime() time.Duration { return 0 }
