package main

import (
	"fmt"

	"example.com/internal/internal/zone"
)

func main() { fmt.Println("internal", zone.Offset()) }
