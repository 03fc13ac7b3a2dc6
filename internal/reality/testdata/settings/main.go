// Command settings prints who it runs as and what the runtime made of its variables.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	limit := debug.SetMemoryLimit(-1)
	percent := debug.SetGCPercent(100)
	fmt.Printf("uid=%d;GOMEMLIMIT=%d;GOGC=%d;GOMAXPROCS=%d;\n", os.Getuid(), limit, percent, runtime.GOMAXPROCS(0))
}
