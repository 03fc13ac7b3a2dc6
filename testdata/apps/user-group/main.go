// Command user-group needs the entry of a group.
package main

import (
	"fmt"
	"os"
	"os/user"
)

func main() {
	group, err := user.LookupGroup("docker")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(group.Gid)
}
