package main

import (
	"fmt"
	"os"
)

func main() { fmt.Printf("works %q\n", os.Args[1:]) }
