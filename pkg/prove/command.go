package prove

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// marker is the environment variable by which the processes of a proof are found: its value is the proof's name.
const marker = "IMGAUDIT_PROVE"

// grace is how long an engine has to end after it was asked to.
const grace = 10 * time.Second

// tidyTime bounds one command that removes something.
const tidyTime = 30 * time.Second

// command is one of an engine's for the proof in a directory, which also takes what the engine keeps in TMPDIR; "" for none. Cancelling
// asks it to end before it is killed, so that it can tidy up.
func (e *Engine) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.Path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C of the terminal is ours to pass on
	if dir == "" {
		return cmd
	}
	cmd.Env = append(os.Environ(), marker+"="+filepath.Base(dir))
	if temp := filepath.Join(dir, "tmp"); os.MkdirAll(temp, 0o700) == nil {
		cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	}
	return cmd
}

// ask runs a short command of the engine and returns what it prints.
func (e *Engine) ask(ctx context.Context, dir string, args ...string) (string, error) {
	return e.feed(ctx, dir, nil, args...)
}

// feed is ask for a command that reads from in.
func (e *Engine) feed(ctx context.Context, dir string, in io.Reader, args ...string) (string, error) {
	cmd := e.command(ctx, dir, args...)
	cmd.Stdin = in
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return strings.TrimSpace(string(out)), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s %s: %w", e.Kind, args[0], context.Cause(ctx))
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s %s: %s", e.Kind, args[0], why(string(exit.Stderr), err))
	}
	return "", fmt.Errorf("%s %s: %w", e.Kind, args[0], err)
}

// tidy is ask for what must be done even if the proof was cancelled; it is bounded instead.
func (e *Engine) tidy(dir string, args ...string) (string, error) {
	ctx, cancel := tidying()
	defer cancel()
	return e.ask(ctx, dir, args...)
}

func tidying() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.Background(), tidyTime, fmt.Errorf("no end within %.0f s", tidyTime.Seconds()))
}

// why is the line of a tool's words that says what is wrong: the first that begins with Error, or else the last.
func why(words string, err error) string {
	for line := range strings.Lines(words) {
		if rest, ok := strings.CutPrefix(line, "Error: "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return lastLine(words, err)
}
