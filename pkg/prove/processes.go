package prove

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
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
	var below []process // what they started has their name only if they passed it on: the RUN of a build has an environment of its own
	defer func() { gone = append(gone, endAll(below)...) }()
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
			if !told[pid] {
				below = append(below, descendants(pid, suits)...)
			}
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

// process is one by its ID and its start, for IDs are used again. Source: proc(5), /proc/[pid]/stat, fields 4 and 22.
type process struct {
	pid   int
	start string
}

// family gives the parent of a process and its start; false when it is gone.
func family(pid int) (parent int, start string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", false
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(rest) // from field 3 on
	if len(fields) < 20 {
		return 0, "", false
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, fields[19], err == nil
}

// descendants are the processes below one, but for those that do not suit and what is below them.
func descendants(pid int, suits func(command string) bool) (all []process) {
	children := map[int][]process{}
	for _, p := range processes() {
		if parent, start, ok := family(p); ok {
			children[parent] = append(children[parent], process{p, start})
		}
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		for _, child := range children[next[0]] {
			if suits(commandName(child.pid)) {
				all, next = append(all, child), append(next, child.pid)
			}
		}
	}
	return all
}

// watchInterval is how often the processes below an engine are noted.
const watchInterval = 100 * time.Millisecond

// runWatched runs a command to its end, and kills what it leaves running below itself: a buildah that is asked to end, or
// killed, leaves the RUN that is under way.
func runWatched(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended, noted := make(chan struct{}), make(chan []process)
	go func() {
		below := map[process]bool{} // also those whose parent has ended
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				noted <- slices.Collect(maps.Keys(below))
				return
			case <-tick.C:
				for _, p := range descendants(cmd.Process.Pid, everyCommand) {
					below[p] = true
				}
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	endAll(<-noted)
	return err
}

func everyCommand(string) bool { return true }

// endAll kills those of the processes that are still there.
func endAll(all []process) (gone []string) {
	for _, p := range all {
		_, start, ok := family(p.pid)
		command := commandName(p.pid)
		if ok && start == p.start && unix.Kill(p.pid, unix.SIGKILL) == nil {
			gone = append(gone, fmt.Sprintf("process %d (%s)", p.pid, command))
		}
	}
	return gone
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
