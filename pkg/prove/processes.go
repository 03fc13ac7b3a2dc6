package prove

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// endProcesses kills the processes that carry the name of a proof in their environment, as all do that it started but
// conmon and the programs in containers, and waits until they are gone. It returns what they were.
func endProcesses(names map[string]bool, suits func(command string) bool) (gone []string) {
	told := map[int]bool{}
	for until := time.Now().Add(survival); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		left := 0
		for _, pid := range processes() {
			if pid == os.Getpid() || !carries(pid, names) {
				continue
			}
			command := commandName(pid)
			if !suits(command) {
				continue
			}
			left++
			if !told[pid] && unix.Kill(pid, unix.SIGKILL) == nil {
				told[pid] = true
				gone = append(gone, fmt.Sprintf("process %d (%s)", pid, command))
			}
		}
		if left == 0 {
			break
		}
	}
	return gone
}

// processes are the IDs of all. Source: proc(5).
func processes() (all []int) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// carries reports whether a process, which is not a zombie, belongs to one of the proofs.
func carries(pid int, names map[string]bool) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false // another user's, or gone
	}
	for kv := range strings.SplitSeq(string(env), "\x00") {
		if name, ok := strings.CutPrefix(kv, marker+"="); ok && names[name] {
			return true
		}
	}
	return commandName(pid) == "conmon" && monitors(pid, names)
}

// monitors reports whether a conmon, to which podman gives no environment, has a file of one of the proofs among its
// arguments.
func monitors(pid int, names map[string]bool) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(strings.FieldsFunc(string(args), func(r rune) bool { return r == 0 || r == '/' }), func(w string) bool { return names[w] })
}

// commandName is that of a process, "" if it is gone.
func commandName(pid int) string {
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(comm))
}
