// Command user-lookup needs the entry of root.
package main

import (
	"fmt"
	"os"
	"os/user"
)

func main() {
	root, err := user.Lookup("root")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(root.Uid)
}
