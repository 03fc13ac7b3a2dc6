package reality

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// toItsEnd runs the image's process until it ends by itself.
func toItsEnd(t *testing.T, s *audit.Subject, root string, c cell) outcome {
	t.Helper()
	return runToEnd(t, s, root, s.Process.Argv, c.network)
}

// health runs the image's health check instead of its process.
func health(t *testing.T, s *audit.Subject, root string, c cell) outcome {
	t.Helper()
	argv := s.Image.Config.Healthcheck[1:]
	if s.Image.Config.Healthcheck[0] == "CMD-SHELL" {
		argv = append([]string{"/bin/sh", "-c"}, argv...)
	}
	return runToEnd(t, s, root, argv, c.network)
}

func runToEnd(t *testing.T, s *audit.Subject, root string, argv []string, network bool) outcome {
	t.Helper()
	p, refused := start(s, root, argv, network)
	if p == nil {
		return outcome{refused: refused}
	}
	if !p.ended(patience) {
		p.kill()
		t.Fatalf("still running after %v: %v", patience, p.outcome())
	}
	return p.outcome()
}

// signals are those that the cells stop with.
var signals = map[string]syscall.Signal{
	"": syscall.SIGTERM, "SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT, "SIGHUP": syscall.SIGHUP,
	"SIGKILL": syscall.SIGKILL, "SIGUSR1": syscall.SIGUSR1, "SIGWINCH": syscall.SIGWINCH, "SIGRTMIN+3": 37,
	"15": syscall.SIGTERM, "term": syscall.SIGTERM,
}

// stopTime is how long a process may take to end after the stop signal. One that got the signal ends at once.
const stopTime = 2 * time.Second

// stopped sends the stop signal to the process once it has said "ready" or, with listening, once it listens.
func stopped(t *testing.T, s *audit.Subject, root string, c cell) outcome {
	t.Helper()
	p, refused := start(s, root, s.Process.Argv, c.network)
	if p == nil {
		return outcome{refused: refused}
	}
	p.awaitText(t, "ready")
	return p.stop(t, s)
}

// stoppedListening is stopped for a program that says nothing when it is ready.
func stoppedListening(t *testing.T, s *audit.Subject, root string, c cell) outcome {
	t.Helper()
	p, refused := start(s, root, s.Process.Argv, c.network)
	if p == nil {
		return outcome{refused: refused}
	}
	for end := time.Now().Add(patience); !listens(p.cmd.Process.Pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) || p.ended(0) {
			p.kill()
			t.Fatalf("never listened: %v", p.outcome())
		}
	}
	return p.stop(t, s)
}

func (p *process) stop(t *testing.T, s *audit.Subject) outcome {
	t.Helper()
	if err := p.cmd.Process.Signal(signals[s.Image.Config.StopSignal]); err != nil {
		t.Fatal(err)
	}
	lost := !p.ended(stopTime)
	p.kill()
	o := p.outcome()
	o.lost = lost
	return o
}

// listens reports whether a socket listens in the network namespace of a process. Source: proc(5), state 0A.
func listens(pid int) bool {
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if err == nil && strings.Contains(string(table), " 0A ") {
			return true
		}
	}
	return false
}

// inFlight stops a server while it works on a request, and adds what the client got to the output.
func inFlight(url string) trial {
	return func(t *testing.T, s *audit.Subject, root string, c cell) outcome {
		t.Helper()
		p, refused := start(s, root, s.Process.Argv, true)
		if p == nil {
			return outcome{refused: refused}
		}
		p.awaitText(t, "ready")
		answer := make(chan string)
		go func() { answer <- get(url) }()
		p.awaitText(t, "asked")
		o := p.stop(t, s)
		o.output += <-answer
		return o
	}
}

func get(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
