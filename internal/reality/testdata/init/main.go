// Command init starts its arguments as a child, passes signals on, waits for what others left behind
// and ends as the child ends, as inits for containers do.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	child := exec.Command(args[0], args[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	go func() {
		for s := range signals {
			if s != syscall.SIGCHLD && s != syscall.SIGURG {
				child.Process.Signal(s)
			}
		}
	}()
	var status syscall.WaitStatus
	for pid := 0; pid != child.Process.Pid; {
		pid, _ = syscall.Wait4(-1, &status, 0, nil)
	}
	if status.Signaled() {
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
}
