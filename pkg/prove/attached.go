package prove

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// attached is an engine's command that runs a container in the foreground: it prints what the program prints and ends
// with it.
type attached struct {
	cmd     *exec.Cmd
	pidFile string // in which the program's process ID on this machine is written
	said    said
	started time.Time
	after   time.Duration
	done    chan struct{}
	killed  chan struct{}
	once    sync.Once
	meter   meter
}

// begin starts the command.
func (a *attached) begin(cmd *exec.Cmd, pid func() int) error {
	a.cmd, a.done, a.killed = cmd, make(chan struct{}), make(chan struct{})
	cmd.Stdout, cmd.Stderr = &a.said, &a.said
	a.started = time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting a container: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is asked of the engine
		a.after = time.Since(a.started)
		close(a.done)
	}()
	a.meter.watch(pid, a.done)
	return nil
}

// pid reads the program's process ID, 0 before it runs and after it ended.
func (a *attached) pid() int {
	if a.ended() {
		return 0
	}
	text, err := os.ReadFile(a.pidFile)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

func (a *attached) ended() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// signal sends one to the program.
func (a *attached) signal(sig syscall.Signal) error {
	if sig == syscall.SIGKILL {
		a.once.Do(func() { close(a.killed) })
	}
	pid := a.pid()
	if pid == 0 {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(pid, sig); err != syscall.ESRCH {
		return err
	}
	return os.ErrProcessDone // its engine has not noticed yet
}

// survival is how long a program may live after SIGKILL, which the kernel does not deliver while it waits for a device.
const survival = 5 * time.Second

// await waits for the command's end, after a SIGKILL not longer than survival. A command that was itself ended by a
// signal says nothing of the program: its error is the engine's.
func (a *attached) await(ctx context.Context) error {
	select {
	case <-a.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-a.killed:
		select {
		case <-a.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(survival):
			return fmt.Errorf("waiting for the container's end: %s has not ended %.0f s after its program was sent SIGKILL", a.tool(), survival.Seconds())
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if sig := endedBy(a.cmd.ProcessState); sig != 0 {
		return fmt.Errorf("waiting for the container's end: %s was ended by a signal (%s)", a.tool(), sig)
	}
	return nil
}

func (a *attached) tool() string { return filepath.Base(a.cmd.Path) }

// abandon ends a command that has not ended by itself.
func (a *attached) abandon() {
	if a.cmd == nil || a.cmd.Process == nil || a.ended() {
		return
	}
	_ = a.cmd.Process.Kill()
	select {
	case <-a.done:
	case <-time.After(survival):
	}
}

// endedBy is the signal that ended a process, 0 if none did.
func endedBy(s *os.ProcessState) syscall.Signal {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}
