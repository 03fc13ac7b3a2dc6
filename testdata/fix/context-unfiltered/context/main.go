// Command app looks for a password among the files of its image, as whoever pulls it can.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	entries, err := os.ReadDir("/src")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, e := range entries {
		if text, _ := os.ReadFile("/src/" + e.Name()); strings.HasPrefix(string(text), "PORT=") {
			fmt.Println(e.Name(), "holds", strings.Fields(string(text))[1])
			return
		}
	}
	fmt.Println("no secret is here")
}
