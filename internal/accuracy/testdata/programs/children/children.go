// Package children leaves a process behind and counts those that nobody waited for.
package children

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Part plays what the program is started again for: as "parent" it leaves a child behind. It reports whether it was.
func Part() bool {
	if len(os.Args) < 2 {
		return false
	}
	if os.Args[1] == "parent" {
		if err := exec.Command("/app", "child").Start(); err != nil {
			fmt.Println(err)
		}
		return true
	}
	time.Sleep(50 * time.Millisecond)
	return true
}

// Leave starts a program that leaves another one behind, and waits for the first only.
func Leave() error { return exec.Command("/app", "parent").Run() }

// Zombies counts the processes that have ended and are still there, when those that were left behind have ended.
func Zombies() (n int, err error) {
	time.Sleep(300 * time.Millisecond)
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "Z") {
			n++
		}
	}
	return n, nil
}
