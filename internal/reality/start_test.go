package reality

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// defaultPath is the PATH that the run-time gives when the image sets none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// patience bounds a program that is to end by itself.
const patience = 30 * time.Second

// outcome is what a program did.
type outcome struct {
	// refused is why it was not started, in the run-time's words; "" if it was.
	refused string
	code    int // as a shell shows it: 128 and the signal's number for one that was killed
	output  string
	// lost is true when the stop signal did not end it in time.
	lost bool
}

func (o outcome) String() string {
	if o.refused != "" {
		return "not started: " + o.refused
	}
	return fmt.Sprintf("exit code %d, lost %v, output %q", o.code, o.lost, o.output)
}

// output gathers what a process prints, and can be looked at meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a started PID 1.
type process struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
}

// start starts a command of the root as PID 1 and as the subject's user, like the run-time: a bare name is looked up in
// PATH. ours says that it shares the tests' network. What the kernel refuses is told in the outcome's words.
func start(s *audit.Subject, root string, argv []string, ours bool) (*process, string) {
	if len(argv) == 0 {
		return nil, "no command"
	}
	env := withDefaults(s.Image.Config.Env)
	candidates := []string{argv[0]}
	if !strings.Contains(argv[0], "/") {
		search, _ := layers.Config{Env: env}.Getenv("PATH")
		candidates = nil
		for dir := range strings.SplitSeq(search, ":") {
			candidates = append(candidates, path.Join(dir, argv[0]))
		}
	}
	var refused string
	for _, file := range candidates {
		p, err := launch(s, root, file, argv, env, ours)
		if err == nil {
			return p, ""
		}
		var errno syscall.Errno
		if errors.As(err, &errno) {
			err = errno
		}
		refused = fmt.Sprintf("exec %s: %v", file, err)
	}
	return nil, refused
}

// withDefaults adds what the run-time adds to an image's environment.
func withDefaults(env []string) []string {
	if _, set := (layers.Config{Env: env}).Getenv("PATH"); !set {
		env = append([]string{defaultPath}, env...)
	}
	return env
}

func launch(s *audit.Subject, root, file string, argv, env []string, ours bool) (*process, error) {
	p := &process{out: &output{}, done: make(chan struct{})}
	groups := make([]uint32, len(s.Identity.Groups))
	for i, g := range s.Identity.Groups {
		groups[i] = uint32(g)
	}
	p.cmd = &exec.Cmd{
		Path: file, Args: argv, Env: env, Dir: path.Join("/", s.Image.Config.WorkingDir),
		Stdout: p.out, Stderr: p.out, WaitDelay: 5 * time.Second,
		SysProcAttr: &syscall.SysProcAttr{
			Chroot:     root,
			Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
			Credential: &syscall.Credential{Uid: uint32(s.Identity.UID), Gid: uint32(s.Identity.GID), Groups: groups},
		},
	}
	if !ours {
		p.cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the state says how it ended
	}()
	return p, nil
}

// ended waits for the end, and reports whether it came in time.
func (p *process) ended(in time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(in):
		return false
	}
}

// kill ends the process and with it its PID namespace.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // one that has ended cannot be killed, and need not
	<-p.done
}

// outcome is how a process ended.
func (p *process) outcome() outcome {
	o := outcome{output: p.out.String()}
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if o.code = status.ExitStatus(); status.Signaled() {
		o.code = 128 + int(status.Signal())
	}
	return o
}

// awaitText waits until a process has printed a text.
func (p *process) awaitText(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(p.out.String(), text) {
			return
		}
		if p.ended(0) {
			break
		}
	}
	p.kill()
	t.Fatalf("never printed %q: %v", text, p.outcome())
}
