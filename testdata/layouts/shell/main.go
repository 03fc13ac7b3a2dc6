package main

import (
	"fmt"
	"os/exec"
)

func main() {
	out, err := exec.Command("sh", "-c", "echo shell $((40 + 2))").CombinedOutput()
	if err != nil {
		panic(err)
	}
	fmt.Println(string(out))
}
