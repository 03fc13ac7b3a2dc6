// Command gocgo is gohello with a call to C.
package main

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	if C.abs(-7) != 7 {
		os.Exit(3)
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 {
			fmt.Print(line[i:])
		}
	}
}
