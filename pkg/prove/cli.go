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
	dir    string       // of the proof
	made   atomic.Int64 // containers
	waiter waiter       // docker's
}

// load gives the engine an archive.
func (c *cli) load(ctx context.Context, archive string) (string, error) {
	load := func() (string, error) { return c.ask(ctx, c.dir, "load", "--quiet", "--input", archive) }
	if c.Kind == Docker {
		load = func() (string, error) { return c.loadDocker(ctx, archive) }
	}
	out, err := load()
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

func (c *cli) close() error { return c.waiter.remove(c) }

// unload removes an image. A podman that was ended while it made a container leaves one in its storage that it does not list,
// and that only goes with its image by force.
func (c *cli) unload(image string) error {
	args := []string{"rmi", "--no-prune", image}
	if c.Kind == Podman {
		args = []string{"rmi", "--force", "--no-prune", image}
	}
	_, err := c.tidy(c.dir, args...)
	return err
}

// create makes a container that is not connected to any network.
func (c *cli) create(ctx context.Context, r Run) (_ container, err error) {
	made := &cliContainer{cli: c, idFile: filepath.Join(r.dir, fmt.Sprintf("container-%d", c.made.Add(1)))}
	made.pidFile = made.idFile + ".pid"
	args := []string{"--network", r.network.name, "--cidfile", made.idFile, "--label", labelKey + "=" + r.label}
	if c.Kind == Podman {
		args = append(args, "--pidfile", made.pidFile)
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
	if args, err = c.withCommand(args, r); err != nil {
		return nil, errors.Join(err, made.remove())
	}
	if c.Kind == Podman {
		made.args = append([]string{"run", "--sig-proxy=false"}, args...)
		return made, nil
	}
	// Docker's client may end before its daemon has made the container: it is not to be cancelled.
	if _, err := c.tidy(c.dir, append([]string{"create"}, args...)...); err != nil {
		if made.id() != "" || c.alive(ctx) != nil {
			return nil, errors.Join(fmt.Errorf("making a container: %w", err), made.remove())
		}
		made.refused = refusal(err.Error(), "")
	}
	made.args = []string{"start", "--attach", made.id()}
	return made, nil
}

// withCommand ends the arguments of a container with its image and its command. Only beside an entrypoint can an image's CMD be
// replaced by nothing. Source: docs.docker.com, docker run, "Default entrypoint".
func (c *cli) withCommand(args []string, r Run) ([]string, error) {
	if r.Args == nil || len(r.Args) > 0 {
		return append(append(args, r.Image), r.Args...), nil
	}
	out, err := c.tidy(c.dir, "inspect", "--type", "image", "--format", "{{json .Config.Entrypoint}}", r.Image)
	if err != nil {
		return nil, err
	}
	var entrypoint []string
	if err := json.Unmarshal([]byte(out), &entrypoint); err != nil {
		return nil, fmt.Errorf("asking %s for an entrypoint: %w", c.Kind, err)
	}
	if len(entrypoint) == 0 { // there is nothing to start, as the engine will say
		return append(args, "--entrypoint", "", r.Image), nil
	}
	return append(append(args, "--entrypoint", entrypoint[0], r.Image), entrypoint[1:]...), nil
}

// network makes the network of a run: podman joins one that is there, docker only one that it has made itself.
func (c *cli) network(ctx context.Context, r Run) (*network, error) {
	if c.Kind == Docker {
		return c.hold(ctx, r)
	}
	n, err := newNetwork(r.dir)
	if err == nil {
		n.name = "ns:" + n.path
	}
	return n, err
}

// cliContainer is a container of docker or podman.
type cliContainer struct {
	*cli
	attached
	args    []string
	idFile  string
	refused string        // by docker, which did not even make it
	noted   chan struct{} // closed when the process ID is known, or never will be; nil if the engine writes it
}

func (c *cliContainer) start(ctx context.Context) error {
	if c.refused != "" {
		return nil
	}
	cmd := c.command(ctx, c.dir, c.args...)
	cmd.Dir = filepath.Dir(c.idFile)
	if c.Kind == Docker {
		cmd.Cancel = func() error { return cmd.Process.Kill() } // it would pass SIGTERM on, and wait for the program
	}
	err := c.begin(cmd, c.pid)
	if err == nil && c.Kind == Docker {
		c.noted = make(chan struct{})
		go c.notePid()
	}
	return err
}

// outOfMemory reports whether conmon noted that the memory limit ended the program: in a file of the directory in which podman was
// started, where podman 4.3.1 itself does not look. Source: containers/conmon, src/oom.c, write_oom_files.
func (c *cliContainer) outOfMemory() bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(c.idFile), "oom"))
	return err == nil
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
	out, err := c.tidy(c.dir, "inspect", "--type", "container", "--format", "{{json .State}}", id)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(out), &s)
}

// id is the container's, "" before there is one.
func (c *cliContainer) id() string { return idIn(c.idFile) }

// idIn is the ID that an engine wrote into a file, "" before it did.
func idIn(file string) string {
	id, _ := os.ReadFile(file)
	return strings.TrimSpace(string(id))
}

// notePid has docker's answer written where podman writes by itself. It is asked until it knows: no more than needed, for
// its client takes as much of a CPU as the program.
func (c *cliContainer) notePid() {
	defer close(c.noted)
	for ; !c.ended(); time.Sleep(meterInterval) {
		if s, err := c.state(); err == nil && s.Status == "running" && s.Pid > 0 {
			_ = os.WriteFile(c.pidFile, []byte(strconv.Itoa(s.Pid)), 0o600)
			return
		}
	}
}

// signal also reaches a program whose process ID is not known yet.
func (c *cliContainer) signal(sig syscall.Signal) error {
	err := c.attached.signal(sig)
	if c.noted != nil && errors.Is(err, os.ErrProcessDone) && !c.ended() {
		_, err = c.tidy(c.dir, "kill", "--signal", strconv.Itoa(int(sig)), c.id())
	}
	return err
}

func (c *cliContainer) exec(ctx context.Context, argv []string) (int, string, error) {
	return execIn(c.command(ctx, c.dir, append([]string{"exec", c.id()}, argv...)...))
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
	if c.refused != "" {
		return Exit{Refused: c.refused}, nil
	}
	if err := c.await(ctx); err != nil {
		return Exit{}, err
	}
	s, err := c.state()
	if err != nil {
		return Exit{}, fmt.Errorf("asking how the container ended: %w", err)
	}
	e := Exit{Code: s.ExitCode, OOMKilled: s.OOMKilled || c.outOfMemory(), After: c.after}
	if s.Status == "running" {
		return Exit{}, fmt.Errorf("waiting for the container's end: %s ended before its container", c.tool())
	}
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
	c.abandon()
	if c.noted != nil {
		<-c.noted
	}
	return c.removeByFile(c.idFile)
}

// removeByFile removes the container whose ID is in a file, if it was made, and the file.
func (c *cli) removeByFile(file string) error {
	id := idIn(file)
	if id == "" {
		return nil
	}
	if err := c.removeContainer(id); err != nil {
		return fmt.Errorf("removing a container: %w", err)
	}
	return os.Remove(file)
}

// removeContainer removes one that may still run. Podman would give it ten seconds to end, docker kills it at once.
func (c *cli) removeContainer(id string) error {
	args := []string{"rm", "--force", "--volumes", id}
	if c.Kind == Podman {
		args = []string{"rm", "--force", "--volumes", "--time", "0", id}
	}
	_, err := c.tidy(c.dir, args...)
	return err
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
