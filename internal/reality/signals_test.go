package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

// lost is failed for a program that the stop signal shall end.
func lost(o outcome) bool { return o.refused != "" || o.lost }

// shells are those that an image's /bin/sh may be.
var shells = []string{"dash", "bash", "busybox"}

// texts are what `sh -c` may be given.
var texts = []string{
	"/app", "/app;", "/app 2>&1", "FOO=1 /app", "true; /app", "export FOO=1; /app", "set -e; /app", "cd / && /app", "true && FOO=1 /app",
	"test -e /app && /app", "false || /app", "umask 022 && /app 2>&1", "sleep 0 & /app", "sleep 0 &\n/app",
	"exec /app", "exec /app 2>&1", "cd / && exec /app", "true; exec /app", "FOO=1 exec /app", "( exec /app )", "{ exec /app; }",
	"if true; then exec /app; fi",
	"/app && true", "/app || true", "/app; true", "/app | cat", "/app & wait", "! /app", "trap 'exit 0' TERM; /app & wait", "trap : TERM; /app & wait $!",
	"( /app )", "true && ( /app )", "{ /app; }", "true && { /app; }", "if true; then /app; fi", "if true; then\n\t/app\nfi",
	"case $HOME in *) /app;; esac", "while true; do /app; done", "for i in 1; do /app; done", "app() { /app; }; app",
	"\n/app", "/app\n", "/app\n\n", "true\n/app\n", "true && /app\n", "{ /app; }\n", "/app # the service", "/app # the service\n",
}

// scripts are what a script file may hold below its first line.
var scripts = []string{
	"/app\n", "set -e\ncd /\n/app\n", "\"$@\"\n",
	"exec /app\n", "set -e\ncd /\nexec /app\n", "exec \"$@\"\n", "if true; then\n\texec \"$@\"\nfi\n",
}

// unread are texts that the rule leaves alone.
var unread = []struct{ script, because string }{
	{"eval /app", "what eval runs is not read"},
	{"command /app", "what command runs is not read"},
	{"trap 'exit 0' TERM; /app", "a trap is the script's own business, even one that waits for the program in front of it"},
}

func signalCells() []cell {
	const rule = "stop-signal-lost"
	ready := program("/app", "ready", static)
	cells := []cell{
		{name: "exec form", root: ready},
		{name: "an init", root: all(ready, program("/sbin/tini", "init", static)), config: command("/sbin/tini", "--", "/app")},
		{name: "an init before a shell",
			root:   all(ready, program("/sbin/tini", "init", static), shell("dash", "/bin/sh")),
			config: command("/sbin/tini", "--", "/bin/sh", "-c", "/app; true")},
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
			file := script("/run.sh", "#!/bin/sh\n"+text)
			cells = append(cells, cell{name: kind + " script " + text, root: all(root, file), config: command("/run.sh", "/app")})
		}
	}
	for _, text := range unread {
		c := cell{name: "dash -c " + text.script, root: all(ready, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", text.script)}
		cells = append(cells, notCovered(text.because, c))
	}
	for i := range cells {
		cells[i].rule, cells[i].trial, cells[i].failed = rule, stopped, lost
	}
	return cells
}
