package prove

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// controlGroup is the name of a control group that stands right below the root of each hierarchy, as runc makes it.
type controlGroup string

// hierarchies are the places where control groups are mounted: one with version 2, one per controller with version 1.
// Source: cgroups(7); kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
func hierarchies() []string {
	all, err := mountPoints(func(_, kind string) bool { return kind == "cgroup" || kind == "cgroup2" })
	if err != nil {
		return nil
	}
	return all
}

// oomKills is how many processes the memory limit of the group ended, 0 if that cannot be read.
func (g controlGroup) oomKills() int64 {
	for _, root := range hierarchies() {
		for _, file := range []string{"memory.oom_control", "memory.events"} { // version 1, version 2
			if n := counter(filepath.Join(root, string(g), file), "oom_kill"); n > 0 {
				return n
			}
		}
	}
	return 0
}

// counter reads the number after a key in a file of lines "KEY NUMBER", 0 if it is not there.
func counter(file, key string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == key {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}

// memoryStat is the file that says what the memory of a process' group is used for, "" if there is none.
func memoryStat(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || fields[1] != "memory" && fields[1] != "" || fields[2] == "/" {
			continue
		}
		for _, root := range hierarchies() {
			file := filepath.Join(root, fields[2], "memory.stat")
			if _, err := os.Stat(file); err == nil {
				return file
			}
		}
	}
	return ""
}

// held is the memory of a group that cannot be given back without the program: its own pages and the files of its tmpfs.
func held(stat string) int64 {
	if n := counter(stat, "total_rss") + counter(stat, "total_shmem"); n > 0 {
		return n // version 1
	}
	return counter(stat, "anon") + counter(stat, "shmem")
}

// removeGroups ends what still runs in the control groups of a name, and removes them.
func removeGroups(name string) error {
	var failed error
	for _, root := range hierarchies() {
		groups, err := filepath.Glob(filepath.Join(root, name))
		if err != nil {
			return fmt.Errorf("removing a control group: %w", err)
		}
		for _, g := range groups {
			failed = errors.Join(failed, removeGroup(g))
		}
	}
	return failed
}

func removeGroup(dir string) error {
	for until := time.Now().Add(survival); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if os.IsNotExist(err) {
			return nil
		}
		for line := range strings.Lines(string(text)) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 1 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		err = os.Remove(dir)
		if err == nil || os.IsNotExist(err) {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("removing a control group: %w", err)
		}
	}
}
