package main

import (
	"fmt"

	"example.com/dep"
)

func main() { fmt.Print("make-vendor ", dep.Page) }
