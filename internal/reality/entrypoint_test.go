package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

func command(words ...string) layers.Config { return layers.Config{Cmd: words} }

// with is a config with an environment or working directory.
func with(c layers.Config, set func(*layers.Config)) layers.Config {
	set(&c)
	return c
}

func user(name string) func(*layers.Config) { return func(c *layers.Config) { c.User = name } }

func workdir(dir string) func(*layers.Config) { return func(c *layers.Config) { c.WorkingDir = dir } }

func environ(env ...string) func(*layers.Config) { return func(c *layers.Config) { c.Env = env } }

var (
	hello   = program("/app", "hello", static)
	sh      = shell("busybox", "/bin/sh")
	missing = "entrypoint-missing"
)

var entrypointCells = []cell{
	{name: "no command", rule: missing, bare: true, root: hello, foreign: "the engine's: runc is never asked"},
	{name: "a path that is not there", rule: missing, runc: true, root: hello, config: command("/nope")},
	{name: "a path that is there", rule: missing, runc: true, root: hello},
	{name: "below a file", rule: missing, runc: true, root: hello, config: command("/app/app")},
	{name: "a bare name outside PATH", rule: missing, runc: true, root: hello, config: command("app")},
	{name: "a bare name in the default PATH", rule: missing, runc: true,
		root: program("/usr/local/bin/app", "hello", static), config: command("app")},
	{name: "a bare name in the image's PATH", rule: missing, runc: true, root: program("/opt/bin/app", "hello", static),
		config: with(command("app"), environ("PATH=/usr/bin:/opt/bin"))},
	{name: "a bare name that the image's PATH hides", rule: missing, runc: true, root: program("/usr/local/bin/app", "hello", static),
		config: with(command("app"), environ("PATH=/usr/bin:/bin"))},
	{name: "relative to the working directory", rule: missing, runc: true,
		root: program("/srv/app", "hello", static), config: with(command("./app"), workdir("/srv"))},
	{name: "relative to another working directory", rule: missing, runc: true,
		root: program("/srv/app", "hello", static), config: with(command("./app"), workdir("/"))},
	{name: "a link to it", rule: missing, runc: true,
		root: all(hello, link("/usr/bin/app", "../../app")), config: command("/usr/bin/app")},
	{name: "a link to nothing", rule: missing, runc: true,
		root: all(hello, link("/bin/app", "/opt/app")), config: command("/bin/app")},
	{name: "a link in a circle", rule: "entrypoint-missing", runc: true,
		root: all(hello, link("/bin/app", "app")), config: command("/bin/app")},
	{name: "a link out of the root", rule: missing, runc: true,
		root: all(hello, link("/bin/app", "../../../../app")), config: command("/bin/app")},
	{name: "a script with its interpreter", rule: missing, runc: true,
		root: all(hello, sh, script("/run.sh", "#!/bin/sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script without its interpreter", rule: missing, runc: true,
		root: all(hello, sh, script("/run.sh", "#!/bin/bash\nexec /app\n")), config: command("/run.sh")},
	{name: "a script with Windows line ends", rule: missing, runc: true,
		root: all(hello, sh, script("/run.sh", "#!/bin/sh\r\nexec /app\r\n")), config: command("/run.sh")},
	{name: "a script that wants env", rule: missing, runc: true,
		root: all(hello, sh, script("/run.sh", "#!/usr/bin/env sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script that has env", rule: missing, runc: true,
		root:   all(hello, sh, applet("/usr/bin/env"), script("/run.sh", "#!/usr/bin/env sh\nexec /app\n")),
		config: command("/run.sh")},
	{name: "env without the shell it is to find", rule: missing,
		root:   all(hello, applet("/usr/bin/env"), script("/run.sh", "#!/usr/bin/env bash\nexec /app\n")),
		config: command("/run.sh")},
	{name: "busybox runs a missing program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "/nope")},
	{name: "dash runs a missing program", rule: missing,
		root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", "/nope")},
	{name: "bash runs a missing program", rule: missing,
		root: all(hello, shell("bash", "/bin/bash")), config: command("/bin/bash", "-c", "/nope")},
	{name: "a shell execs a missing program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "exec /nope")},
	{name: "a shell runs a program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "/app")},
	{name: "a shell runs a bare name", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "nope")},
	{name: "dash runs a bare name", rule: missing,
		root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", "nope")},
	{name: "bash runs a bare name", rule: missing,
		root: all(hello, shell("bash", "/bin/bash")), config: command("/bin/bash", "-c", "nope")},
	{name: "bash execs a bare name", rule: missing,
		root: all(hello, shell("bash", "/bin/bash")), config: command("/bin/bash", "-c", "exec nope")},
	{name: "a shell runs a script that is not there", rule: missing, root: all(hello, sh), config: command("/bin/sh", "/nope.sh")},
	{name: "dash runs a script that is not there", rule: missing,
		root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "/nope.sh")},
	{name: "bash runs a script that is not there", rule: missing,
		root: all(hello, shell("bash", "/bin/bash")), config: command("/bin/bash", "/nope.sh")},
	{name: "a script runs a missing program", rule: missing,
		root: all(hello, sh, script("/run.sh", "#!/bin/sh\nset -e\nexec /nope\n")), config: command("/run.sh")},
	{name: "a shell changes the directory first", rule: missing,
		root: all(program("/srv/app", "hello", static), sh), config: command("/bin/sh", "-c", "cd /srv && ./app")},
	{name: "a working directory that is not there", rule: missing, onlyRunc: true,
		root: hello, config: with(command("/app"), workdir("/srv/data"))},
}
