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
	{name: "a bare name in the default PATH", rule: missing, runc: true, root: program("/usr/local/bin/app", "hello", static), config: command("app")},
	{name: "a bare name in the image's PATH", rule: missing, runc: true, root: program("/opt/bin/app", "hello", static),
		config: with(command("app"), environ("PATH=/usr/bin:/opt/bin"))},
	{name: "a bare name that the image's PATH hides", rule: missing, runc: true, root: program("/usr/local/bin/app", "hello", static),
		config: with(command("app"), environ("PATH=/usr/bin:/bin"))},
	{name: "relative to the working directory", rule: missing, runc: true, root: program("/srv/app", "hello", static), config: with(command("./app"), workdir("/srv"))},
	{name: "relative to another working directory", rule: missing, runc: true, root: program("/srv/app", "hello", static), config: with(command("./app"), workdir("/"))},
	{name: "a link to it", rule: missing, runc: true, root: all(hello, link("/usr/bin/app", "../../app")), config: command("/usr/bin/app")},
	{name: "a link to nothing", rule: missing, runc: true, root: all(hello, link("/bin/app", "/opt/app")), config: command("/bin/app")},
	{name: "a link in a circle", rule: "entrypoint-missing", runc: true, root: all(hello, link("/bin/app", "app")), config: command("/bin/app")},
	{name: "a link out of the root", rule: missing, runc: true, root: all(hello, link("/bin/app", "../../../../app")), config: command("/bin/app")},
	{name: "a script with its interpreter", rule: missing, runc: true, root: all(hello, sh, script("/run.sh", "#!/bin/sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script without its interpreter", rule: missing, runc: true, root: all(hello, sh, script("/run.sh", "#!/bin/bash\nexec /app\n")), config: command("/run.sh")},
	{name: "a script with Windows line ends", rule: missing, runc: true, root: all(hello, sh, script("/run.sh", "#!/bin/sh\r\nexec /app\r\n")), config: command("/run.sh")},
	{name: "a script that wants env", rule: missing, runc: true, root: all(hello, sh, script("/run.sh", "#!/usr/bin/env sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script that has env", rule: missing, runc: true, root: all(hello, sh, applet("/usr/bin/env"), script("/run.sh", "#!/usr/bin/env sh\nexec /app\n")), config: command("/run.sh")},
	{name: "env without the shell it is to find", rule: missing, root: all(hello, applet("/usr/bin/env"), script("/run.sh", "#!/usr/bin/env bash\nexec /app\n")),
		config: command("/run.sh"), limit: "what env looks for is env's affair"},
	{name: "busybox runs a missing program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "/nope")},
	{name: "dash runs a missing program", rule: missing, root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", "/nope")},
	{name: "bash runs a missing program", rule: missing, root: all(hello, shell("bash", "/bin/bash")), config: command("/bin/bash", "-c", "/nope")},
	{name: "a shell execs a missing program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "exec /nope")},
	{name: "a shell runs a program", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "/app")},
	{name: "a shell runs a bare name", rule: missing, root: all(hello, sh), config: command("/bin/sh", "-c", "nope"), limit: "a bare name may be one of the shell's own"},
	{name: "a shell changes the directory first", rule: missing, root: all(program("/srv/app", "hello", static), sh), config: command("/bin/sh", "-c", "cd /srv && ./app")},
	{name: "a working directory that is not there", rule: missing, onlyRunc: true, root: hello, config: with(command("/app"), workdir("/srv/data"))},
}

var executable = "entrypoint-not-executable"

var permissionCells = []cell{
	{name: "mode 0755", rule: executable, runc: true, root: hello, config: with(command("/app"), user("65532"))},
	{name: "mode 0644", rule: executable, runc: true, root: as(0o644, 0, hello)},
	{name: "mode 0700 of root", rule: executable, runc: true, root: as(0o700, 0, hello), config: with(command("/app"), user("65532"))},
	{name: "mode 0700 of the user", rule: executable, runc: true, root: as(0o700, 65532, hello), config: with(command("/app"), user("65532"))},
	{name: "mode 0111", rule: executable, runc: true, root: as(0o111, 0, hello), config: with(command("/app"), user("65532"))},
	{name: "mode 0710 and the group", rule: executable, runc: true, root: as(0o710, 500, hello), config: with(command("/app"), user("65532:500"))},
	{name: "mode 0701 and the group", rule: executable, runc: true, root: as(0o701, 500, hello), config: with(command("/app"), user("65532:500"))},
	{name: "mode 0701 and root", rule: executable, runc: true, root: as(0o701, 500, hello)},
	{name: "below a closed directory", rule: executable, runc: true, root: all(dir("/root", 0o700, 0), program("/root/app", "hello", static)),
		config: with(command("/root/app"), user("65532"))},
	{name: "below a closed directory as root", rule: executable, runc: true, root: all(dir("/home/app", 0o700, 1000), program("/home/app/app", "hello", static)),
		config: command("/home/app/app")},
	{name: "in a closed working directory", rule: executable, onlyRunc: true, root: all(dir("/root", 0o700, 0), program("/root/app", "hello", static)),
		config: with(command("./app"), func(c *layers.Config) { c.WorkingDir, c.User = "/root", "65532" })},
	{name: "through a link into a closed directory", rule: executable, runc: true,
		root: all(dir("/root", 0o700, 0), program("/root/app", "hello", static), link("/app", "/root/app")), config: with(command("/app"), user("65532"))},
	{name: "a directory", rule: executable, runc: true, root: program("/app/hello", "hello", static)},
	{name: "a text", rule: executable, runc: true, root: script("/app", "echo hello\n")},
	{name: "an empty file", rule: executable, runc: true, root: script("/app", "")},
	{name: "an archive", rule: executable, runc: true, root: script("/app", "\x1f\x8b\x08\x00\x00\x00\x00\x00")},
	{name: "a byte order mark before the script", rule: executable, runc: true, root: all(hello, sh, script("/run.sh", "\xef\xbb\xbf#!/bin/sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script without x", rule: executable, runc: true, root: all(hello, sh, text("/run.sh", "#!/bin/sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script whose interpreter has no x", rule: executable, runc: true, root: all(hello, as(0o644, 0, host("/bin/sh", "/bin/busybox")), script("/run.sh", "#!/bin/sh\nexec /app\n")), config: command("/run.sh")},
	{name: "a script that the user may not read", rule: executable, root: all(hello, sh, script("/run.sh", "#!/bin/sh\nexec /app\n"), as(0o711, 0, script("/run.sh", "#!/bin/sh\nexec /app\n"))),
		config: with(command("/run.sh"), user("65532")), limit: "that an interpreter must read its script is not asked"},
	{name: "in PATH without x", rule: missing, runc: true, root: as(0o644, 0, program("/usr/bin/app", "hello", static)), config: command("app")},
	{name: "a program without x in PATH before one with", rule: executable, runc: true,
		root: all(text("/usr/bin/app", "x"), program("/bin/app", "hello", static)), config: with(command("app"), environ("PATH=/usr/bin:/bin"))},
	{name: "a shell runs what has no x", rule: executable, root: all(as(0o644, 0, hello), sh), config: command("/bin/sh", "-c", "/app"),
		limit: "only PID 1 itself is asked about"},
}

var shellCells = []cell{
	{name: "shell form in scratch", rule: "shell-missing", runc: true, root: hello, config: command("/bin/sh", "-c", "/app")},
	{name: "shell form with busybox", rule: "shell-missing", runc: true, root: all(hello, sh), config: command("/bin/sh", "-c", "/app")},
	{name: "shell form with dash", rule: "shell-missing", runc: true, root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", "/app")},
	{name: "a link to a shell that is not there", rule: "shell-missing", runc: true, root: all(hello, link("/bin/sh", "busybox")), config: command("/bin/sh", "-c", "/app")},
	{name: "another shell than the image's", rule: "shell-missing", runc: true, root: all(hello, sh), config: command("/bin/bash", "-o", "pipefail", "-c", "/app")},
	{name: "a bare shell", rule: "shell-missing", runc: true, root: hello, config: command("sh", "-c", "/app")},
	{name: "flags and c in one word", rule: "shell-missing", runc: true, root: hello, config: command("/bin/sh", "-ec", "/app")},
	{name: "a shell without its libraries", rule: "shell-missing", root: all(hello, host("/bin/sh", "/bin/dash")), config: command("/bin/sh", "-c", "/app"),
		limit: "a shell's own linkage is not looked at"},
	{name: "health check in scratch", rule: "shell-missing", trial: health, root: hello, config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD-SHELL", "/app"}}},
	{name: "health check with busybox", rule: "shell-missing", trial: health, root: all(hello, sh), config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD-SHELL", "/app"}}},
	{name: "health check in exec form", rule: "shell-missing", trial: health, root: hello, config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD", "/app"}}},
}
