package main

import (
	"debug/elf"
	"fmt"
)

var version = "none"

func main() {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Println("version", version, "symbols", f.Section(".symtab") != nil)
}
