// Command user-current asks who it is.
package main

import (
	"fmt"
	"os"
	"os/user"
)

func main() {
	me, err := user.Current()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(me.Uid)
}
