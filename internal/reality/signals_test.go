package reality

import (
	"slices"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// lost is failed for a program that the stop signal shall end.
func lost(o outcome) bool { return o.refused != "" || o.lost }

// shells are those that an image's /bin/sh may be.
var shells = []string{"dash", "bash", "busybox"}

// texts are what `sh -c` may be given.
var texts = []string{
	"/app", "exec /app", "cd / && /app", "cd / && exec /app", "true; /app", "true; exec /app", "FOO=1 /app", "export FOO=1; /app",
	"/app && true", "/app || true", "/app; true", "/app | cat", "/app 2>&1", "exec /app 2>&1", "( /app )", "( exec /app )", "{ /app; }", "{ exec /app; }",
	"true && { /app; }", "if true; then /app; fi", "if true; then exec /app; fi", "/app & wait", "while true; do /app; done", "! /app", "test -e /app && /app", "false || /app",
	"set -e; /app", "true\n/app\n", "app() { /app; }; app", "trap 'exit 0' TERM; /app & wait", "eval /app", "echo $(/app)", "sleep 0 & /app",
}

// scripts are what a script file may hold below its first line.
var scripts = []string{"/app\n", "exec /app\n", "set -e\ncd /\n/app\n", "set -e\ncd /\nexec /app\n", "exec \"$@\"\n", "\"$@\"\n", "if true; then\n\texec \"$@\"\nfi\n"}

func signalCells() []cell {
	const rule = "stop-signal-lost"
	ready := program("/app", "ready", static)
	cells := []cell{
		{name: "exec form", root: ready},
		{name: "an init", root: all(ready, program("/sbin/tini", "init", static)), config: command("/sbin/tini", "--", "/app")},
		{name: "an init before a shell", root: all(ready, program("/sbin/tini", "init", static), shell("dash", "/bin/sh")), config: command("/sbin/tini", "--", "/bin/sh", "-c", "/app; true")},
		{name: "env before the program", root: all(ready, applet("/usr/bin/env")), config: command("/usr/bin/env", "FOO=1", "/app")},
		{name: "a shell that SIGKILL is to stop", root: all(ready, shell("dash", "/bin/sh")),
			config: with(command("/bin/sh", "-c", "/app; true"), func(c *layers.Config) { c.StopSignal = "SIGKILL" })},
		{name: "a shell that SIGQUIT is to stop", root: all(ready, shell("dash", "/bin/sh")),
			config: with(command("/bin/sh", "-c", "/app; true"), func(c *layers.Config) { c.StopSignal = "SIGQUIT" })},
	}
	for _, kind := range shells {
		root := all(ready, shell(kind, "/bin/sh"), applet("/bin/cat"), applet("/bin/sleep"))
		for _, text := range texts {
			cells = append(cells, cell{name: kind + " -c " + text, root: root, config: command("/bin/sh", "-c", text)})
		}
		for _, text := range scripts {
			cells = append(cells, cell{name: kind + " script " + text, root: all(root, script("/run.sh", "#!/bin/sh\n"+text)), config: command("/run.sh", "/app")})
		}
	}
	for i := range cells {
		cells[i].rule, cells[i].trial, cells[i].failed = rule, stopped, lost
	}
	return slices.Clip(cells)
}

// abrupt is failed for a program that shall end by its own handler.
func abrupt(o outcome) bool { return ended(o) || o.lost }

var unhandledCells = unhandled(
	cell{name: "a listener without a handler", trial: stoppedListening, root: program("/app", "listen", static)},
	cell{name: "a server without a handler", trial: stoppedListening, root: program("/app", "upload", static)},
	cell{name: "a server with a handler", trial: stoppedListening, root: program("/app", "http-server", static)},
	cell{name: "a listener stopped by SIGINT", trial: stoppedListening, config: layers.Config{StopSignal: "SIGINT"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGQUIT", trial: stoppedListening, config: layers.Config{StopSignal: "SIGQUIT"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGHUP", trial: stoppedListening, config: layers.Config{StopSignal: "SIGHUP"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGUSR1", trial: stoppedListening, config: layers.Config{StopSignal: "SIGUSR1"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGWINCH", trial: stoppedListening, config: layers.Config{StopSignal: "SIGWINCH"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGRTMIN+3", trial: stoppedListening, config: layers.Config{StopSignal: "SIGRTMIN+3"}, root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGKILL", trial: stoppedListening, config: layers.Config{StopSignal: "SIGKILL"}, root: program("/app", "listen", static)},
	cell{name: "a listener below an init", trial: stoppedListening, root: all(program("/app", "listen", static), program("/sbin/tini", "init", static)), config: command("/sbin/tini", "--", "/app")},
	cell{name: "a request in flight, no handler", trial: inFlight("http://127.0.0.1:8091/"), root: program("/app", "deaf", static), failed: unanswered},
	cell{name: "a request in flight, a handler that waits", trial: inFlight("http://127.0.0.1:8090/"), root: program("/app", "slow", static), failed: unanswered},
	cell{name: "no server, no handler", trial: toItsEnd, root: hello},
)

// unanswered is failed for a server that shall answer the request in flight, and then end by itself.
func unanswered(o outcome) bool { return o.lost || without("answered")(o) }

func unhandled(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "stop-signal-unhandled"
		if cells[i].failed == nil {
			cells[i].failed = abrupt
		}
	}
	return cells
}
