package main

import (
	"fmt"

	"example.com/dep"
	"example.com/lib"
)

func main() { fmt.Println(dep.Name(), lib.Name()) }
