// Command greedy takes memory: "heap" its own, "files" that of files in /scratch; then it says what it sees of the limits.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const amount = 40 << 20

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	var kept []byte
	switch mode {
	case "heap":
		kept = make([]byte, 4*amount)
		for i := range kept {
			kept[i] = 1
		}
	case "files":
		if err := os.WriteFile("/scratch/file", make([]byte, amount), 0o600); err != nil {
			log.Fatal(err)
		}
		runtime.GC()
	case "quota":
		fmt.Println("error: quota", quota())
	}
	time.Sleep(300 * time.Millisecond)
	runtime.KeepAlive(kept)
}

// quota is what the files of the control group say of the CPU limit.
func quota() string {
	for _, pattern := range []string{"/sys/fs/cgroup/*/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu.max"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil {
				return strings.TrimSpace(string(text))
			}
		}
	}
	return "none"
}
