package reality

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// stopTexts are what STOPSIGNAL may say.
var stopTexts = []string{"", "SIGTERM", "15", "term", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGWINCH", "SIGRTMIN+3", "SIGKILL"}

// stoppable are programs that handle one of the signals that stop, and end well then.
var stoppable = []string{
	"ready", "signal-all", "signal-both", "signal-helper", "signal-interrupt", "signal-reset", "signal-variable",
	"signal-wrapper",
}

// stopSignalCells hold every handler against every stop signal.
func stopSignalCells() []cell {
	var cells []cell
	stoppedBy := func(rule, app, signal string, how trial) cell {
		return cell{name: fmt.Sprintf("%s stopped by %q", app, signal), rule: rule, trial: how, failed: abrupt,
			config: layers.Config{StopSignal: signal}, root: program("/app", app, static)}
	}
	for _, app := range stoppable {
		for _, text := range stopTexts {
			c := stoppedBy("stop-signal-mismatch", app, text, stopped)
			if app == "signal-interrupt" && text == "" {
				c.limit = "nothing was set: a program that is no server may be ended by the default"
			}
			cells = append(cells, c)
		}
	}
	for _, text := range []string{"SIGTERM", "SIGUSR1", "SIGHUP"} {
		c := stoppedBy("stop-signal-mismatch", "signal-two", text, stopped)
		if text != "SIGTERM" {
			c.limit = "the signal is handled, and nobody knows what the handler does"
		}
		cells = append(cells, c)
	}
	for _, app := range []string{"serve-interrupt", "serve-reload", "serve-ignore", "http-server"} {
		cells = append(cells, stoppedBy("stop-signal-unhandled", app, "", stoppedListening))
	}
	return append(cells,
		stoppedBy("stop-signal-unhandled", "serve-interrupt", "SIGINT", stoppedListening),
		stoppedBy("stop-signal-unhandled", "serve-reload", "SIGINT", stoppedListening),
		stoppedBy("stop-signal-unhandled", "serve-reload", "SIGUSR1", stoppedListening),
		stoppedBy("stop-signal-unhandled", "serve-ignore", "SIGINT", stoppedListening),
		stoppedBy("stop-signal-mismatch", "serve-interrupt", "SIGTERM", stoppedListening),
		stoppedBy("stop-signal-mismatch", "serve-interrupt", "SIGHUP", stoppedListening),
		stoppedBy("stop-signal-mismatch", "http-server", "SIGINT", stoppedListening),
		stoppedBy("stop-signal-mismatch", "http-server", "SIGUSR1", stoppedListening),
	)
}

// profilingCells ask servers for their profiles.
func profilingCells() []cell {
	exposed := func(o outcome) bool { return strings.Contains(o.output, "Types of profiles available") }
	asked := func(name string, port int) cell {
		return cell{name: name, rule: "profiling-exposed", network: true, failed: exposed,
			trial: asking(fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/", port)), root: program("/app", name, static)}
	}
	return []cell{asked("serve-default", 6060), asked("serve-mux", 8081), asked("serve-profiles", 8080), asked("serve-interrupt", 8082)}
}

// asking adds what a server answers to the output, and ends it.
func asking(url string) trial {
	return func(t *testing.T, s *audit.Subject, root string, c cell) outcome {
		t.Helper()
		p, refused := start(s, root, s.Process.Argv, true)
		if p == nil {
			return outcome{refused: refused}
		}
		answer := get(url)
		for end := time.Now().Add(patience); strings.Contains(answer, "connection refused") && time.Now().Before(end) && !p.ended(0); answer = get(url) {
			time.Sleep(5 * time.Millisecond)
		}
		p.kill()
		o := p.outcome()
		o.output += answer
		return o
	}
}

// orphanCells look for zombies.
func orphanCells() []cell {
	cells := []cell{
		{name: "a child leaves an orphan", root: program("/app", "orphan", static)},
		{name: "all children are waited for", root: program("/app", "reaper", static)},
		{name: "an init in front", root: all(program("/app", "orphan", static), program("/sbin/tini", "init", static)),
			config: command("/sbin/tini", "--", "/app")},
		{name: "no children", root: program("/app", "ready", static)},
	}
	for i := range cells {
		cells[i].rule, cells[i].trial = "orphans-unreaped", zombies
		cells[i].failed = func(o outcome) bool { return strings.Contains(o.output, "zombie") }
	}
	return cells
}

// zombies waits for "ready" and adds the zombies among the children of the process to the output.
func zombies(t *testing.T, s *audit.Subject, root string, c cell) outcome {
	t.Helper()
	p, refused := start(s, root, s.Process.Argv, c.network)
	if p == nil {
		return outcome{refused: refused}
	}
	p.awaitText(t, "ready")
	pid := p.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for child := range strings.FieldsSeq(string(children)) {
		stat, err := os.ReadFile("/proc/" + child + "/stat")
		if err == nil && strings.Contains(string(stat), ") Z ") {
			found += "zombie " + child + "\n"
		}
	}
	p.kill()
	o := p.outcome()
	o.output += found
	return o
}
