package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	if _, err := plugin.Open("/plugins/none.so"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
