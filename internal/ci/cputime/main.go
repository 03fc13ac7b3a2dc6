// Command cputime runs a command several times and prints the least CPU time (user and system, of the process and the
// children it waited for) in seconds and the largest resident set in KiB.
//
//	cputime [-n RUNS] [-max CODE] [-wall] COMMAND [ARG...]
//
// With -wall the least time on the wall follows, in seconds.
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
	wall := flag.Bool("wall", false, "print the least wall time too")
	flag.Parse()
	if flag.NArg() == 0 || *runs < 1 {
		flag.Usage()
		os.Exit(2)
	}
	var best, shortest time.Duration
	var peak int64
	for i := range *runs {
		start := time.Now()
		cpu, rss, err := run(flag.Args(), *highest)
		if err != nil {
			fmt.Fprintln(os.Stderr, "cputime:", err)
			os.Exit(1)
		}
		if took := time.Since(start); i == 0 || took < shortest {
			shortest = took
		}
		if i == 0 || cpu < best {
			best = cpu
		}
		peak = max(peak, rss)
	}
	fmt.Printf("%.4f %d", best.Seconds(), peak)
	if *wall {
		fmt.Printf(" %.4f", shortest.Seconds())
	}
	fmt.Println()
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
