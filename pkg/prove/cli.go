package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// labelKey marks what a proof made, so that the next one finds what was left behind.
const labelKey = "imgaudit.prove"

// cli runs images with docker or podman, whose commands are the same.
type cli struct {
	*Engine
	made atomic.Int64 // containers
}

// load gives the engine an archive.
func (c *cli) load(ctx context.Context, archive string) (string, error) {
	out, err := c.ask(ctx, "load", "--quiet", "--input", archive)
	if err != nil {
		return "", fmt.Errorf("loading the image: %w", err)
	}
	// "Loaded image: NAME" or "Loaded image ID: sha256:.."
	_, image, ok := strings.Cut(out, ": ")
	if image, _, _ = strings.Cut(image, "\n"); !ok || image == "" {
		return "", fmt.Errorf("loading the image: %s says %q", c.Kind, out)
	}
	return strings.TrimSpace(image), nil
}

func (c *cli) unload(image string) error {
	_, err := c.ask(context.Background(), "rmi", "--no-prune", image)
	return err
}

// create makes a container that is not connected to any network.
func (c *cli) create(ctx context.Context, r Run) (container, error) {
	idFile := filepath.Join(r.dir, fmt.Sprintf("container-%d", c.made.Add(1)))
	args := []string{"run", "--network", c.networkOf(r), "--sig-proxy=false", "--cidfile", idFile, "--label", labelKey + "=" + r.label}
	if c.Kind == Podman {
		// What podman adds by itself would hide what the image lacks.
		args = append(args, "--passwd=false", "--read-only-tmpfs=false", "--timeout", strconv.Itoa(int(r.Time/time.Second)+1))
	}
	args = append(args, ulimits...)
	if r.User != "" {
		args = append(args, "--user", r.User)
	}
	if r.ReadOnly {
		args = append(args, "--read-only")
	}
	for _, t := range r.Tmpfs {
		args = append(args, "--tmpfs", c.tmpfs(t))
	}
	for _, b := range r.Binds {
		args = append(args, "--mount", fmt.Sprintf("type=bind,source=%s,target=%s,readonly", b.Source, b.Target))
	}
	if r.NoResolver && c.Kind == Podman {
		args = append(args, "--dns", "none")
	}
	for _, e := range r.Env {
		args = append(args, "--env", e)
	}
	if r.Memory > 0 {
		args = append(args, "--memory", strconv.FormatInt(r.Memory, 10), "--memory-swap", strconv.FormatInt(r.Memory, 10))
	}
	if r.CPUs > 0 {
		args = append(args, "--cpus", strconv.FormatFloat(r.CPUs, 'f', -1, 64))
	}
	if r.Pids > 0 {
		args = append(args, "--pids-limit", strconv.Itoa(r.Pids))
	}
	return &cliContainer{cli: c, idFile: idFile, args: append(append(args, r.Image), r.Args...)}, nil
}

// networkOf is the network of a run: podman joins one that is there, docker cannot.
func (c *cli) networkOf(r Run) string {
	if r.network == nil || c.Kind != Podman {
		return "none"
	}
	return "ns:" + r.network.path
}

// ask runs a command of the engine and returns what it prints.
func (c *cli) ask(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, c.Path, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %s", c.Kind, args[0], why(string(exit.Stderr), err))
	}
	return strings.TrimSpace(string(out)), err
}

// cliContainer is a container of docker or podman.
type cliContainer struct {
	*cli
	args    []string
	idFile  string
	attach  *exec.Cmd // prints what the program prints, and ends with it
	said    said
	started time.Time
	done    chan struct{}
	after   time.Duration
	meter   meter
}

func (c *cliContainer) start(ctx context.Context) error {
	c.attach = exec.CommandContext(ctx, c.Path, c.args...)
	c.attach.Stdout, c.attach.Stderr = &c.said, &c.said
	c.attach.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.done = make(chan struct{})
	c.started = time.Now()
	if err := c.attach.Start(); err != nil {
		return fmt.Errorf("starting a container: %w", err)
	}
	go func() {
		_ = c.attach.Wait() // the container's state says how it ended
		c.after = time.Since(c.started)
		close(c.done)
	}()
	c.meter.watch(c.pid, c.done)
	return nil
}

// state is what `inspect` says of a container.
type state struct {
	Status    string
	Pid       int
	ExitCode  int
	OOMKilled bool
	Error     string
}

func (c *cliContainer) state() (s state, err error) {
	id := c.id()
	if id == "" {
		return s, nil
	}
	out, err := c.ask(context.Background(), "inspect", "--type", "container", "--format", "{{json .State}}", id)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(out), &s)
}

// id is the container's, "" before there is one.
func (c *cliContainer) id() string {
	id, _ := os.ReadFile(c.idFile)
	return strings.TrimSpace(string(id))
}

func (c *cliContainer) pid() int {
	s, err := c.state()
	if err != nil || s.Status != "running" {
		return 0
	}
	return s.Pid
}

func (c *cliContainer) signal(sig syscall.Signal) error {
	_, err := c.ask(context.Background(), "kill", "--signal", strconv.Itoa(int(sig)), c.id())
	return err
}

func (c *cliContainer) exec(ctx context.Context, argv []string) (int, string, error) {
	return execIn(exec.CommandContext(ctx, c.Path, append([]string{"exec", c.id()}, argv...)...))
}

// execIn runs an engine's exec command.
func execIn(cmd *exec.Cmd) (int, string, error) {
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		return cmd.ProcessState.ExitCode(), strings.TrimSpace(string(out)), nil
	}
	return 0, "", fmt.Errorf("running a program in the container: %w", err)
}

func (c *cliContainer) wait(ctx context.Context) (Exit, error) {
	select {
	case <-c.done:
	case <-ctx.Done():
		return Exit{}, context.Cause(ctx)
	}
	s, err := c.state()
	if err != nil {
		return Exit{}, fmt.Errorf("asking how the container ended: %w", err)
	}
	e := Exit{Code: s.ExitCode, OOMKilled: s.OOMKilled, After: c.after}
	if s.Status != "exited" && s.Status != "stopped" {
		e.Refused = refusal(c.said.String(), s.Error)
	} else if s.ExitCode > 128 && s.ExitCode <= 128+64 {
		e.Code, e.Signal = 0, syscall.Signal(s.ExitCode-128)
	}
	return e, nil
}

func (c *cliContainer) output() string { return c.said.String() }
func (c *cliContainer) peak() int64    { return c.meter.peak() }

func (c *cliContainer) remove() error {
	id := c.id()
	if id == "" {
		return nil
	}
	if _, err := c.ask(context.Background(), "rm", "--force", "--volumes", id); err != nil {
		return fmt.Errorf("removing a container: %w", err)
	}
	return os.Remove(c.idFile)
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

// ulimits asks for limits that any root may set: engines raise them by default, which a root without CAP_SYS_RESOURCE may
// not, as in a container.
var ulimits = []string{"--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"}

// tmpfs is the value of --tmpfs. Podman would copy the image's directory into it.
func (c *cli) tmpfs(t Tmpfs) string {
	value := fmt.Sprintf("%s:size=%d,mode=%o", t.Path, t.Size, t.Mode)
	if c.Kind == Podman {
		value += ",notmpcopyup"
	}
	return value
}
