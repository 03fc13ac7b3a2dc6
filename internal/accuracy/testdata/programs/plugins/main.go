// Command plugins can load code, and goes without where there is none.
package main

import (
	"fmt"
	"log"
	"plugin"
	"strings"
)

func main() {
	_, err := plugin.Open("/plugin.so")
	if err != nil && !strings.Contains(err.Error(), "realpath failed") {
		log.Fatal(err)
	}
	fmt.Println("answer: without")
}
