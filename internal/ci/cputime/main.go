// Command cputime runs a command several times and prints the least CPU time (user and system, of the process and the
// children it waited for) in seconds and the largest resident set in KiB.
//
//	cputime [-n RUNS] [-max CODE] COMMAND [ARG...]
//
// The command's standard output and error are thrown away. An exit code above -max (default 1: imgaudit's "verdict
// fail") is an error: a run that could not do its work is not a measurement.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	runs := flag.Int("n", 5, "how often to run the command")
	highest := flag.Int("max", 1, "the highest exit code that counts as done")
	flag.Parse()
	if flag.NArg() == 0 || *runs < 1 {
		flag.Usage()
		os.Exit(2)
	}
	var best time.Duration
	var peak int64
	for i := range *runs {
		cpu, rss, err := run(flag.Args(), *highest)
		if err != nil {
			fmt.Fprintln(os.Stderr, "cputime:", err)
			os.Exit(1)
		}
		if i == 0 || cpu < best {
			best = cpu
		}
		peak = max(peak, rss)
	}
	fmt.Printf("%.4f %d\n", best.Seconds(), peak)
}

func run(command []string, highest int) (cpu time.Duration, rss int64, err error) {
	c := exec.Command(command[0], command[1:]...)
	var failed *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &failed) {
		return 0, 0, err
	}
	state := c.ProcessState
	if state.ExitCode() < 0 || state.ExitCode() > highest {
		return 0, 0, fmt.Errorf("running %q: %s", command, state)
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		rss = usage.Maxrss
	}
	return state.UserTime() + state.SystemTime(), rss, nil
}
