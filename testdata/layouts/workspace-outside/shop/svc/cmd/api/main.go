package main

import (
	"fmt"

	"example.com/lib"
)

func main() { fmt.Println("workspace-outside api", lib.Name()) }
