// Command environment reads variables by constant names, and one whose name it makes up.
package main

import (
	"fmt"
	"os"
)

func main() {
	level, ok := os.LookupEnv("APP_LEVEL")
	fmt.Println(os.Getenv("APP_NAME"), level, ok)
	for _, suffix := range os.Args[1:] {
		fmt.Println(os.Getenv("APP_" + suffix))
	}
}
