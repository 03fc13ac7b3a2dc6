// Command user-dynamic looks up a user only if its environment names one.
package main

import (
	"fmt"
	"os"
	"os/user"
)

func main() {
	name := os.Getenv("APP_USER")
	if name == "" {
		return
	}
	u, err := user.Lookup(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(u.Uid)
}
