// Command noisy does what settings of GODEBUG print about, and panics if it has an argument.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
)

func main() {
	runtime.GC()
	_, _ = net.LookupHost("localhost")
	time.Sleep(20 * time.Millisecond)
	if len(os.Args) > 1 {
		panic("asked to")
	}
	fmt.Printf("procs=%d;\n", runtime.GOMAXPROCS(0))
}
