// Command rights prints with whose rights it runs.
package main

import (
	"fmt"
	"os"
)

func main() { fmt.Printf("euid=%d;egid=%d;\n", os.Geteuid(), os.Getegid()) }
