package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

var shellCells = []cell{
	{name: "shell form in scratch", rule: "shell-missing", runc: true, root: hello, config: command("/bin/sh", "-c", "/app")},
	{name: "shell form with busybox", rule: "shell-missing", runc: true,
		root: all(hello, sh), config: command("/bin/sh", "-c", "/app")},
	{name: "shell form with dash", rule: "shell-missing", runc: true,
		root: all(hello, shell("dash", "/bin/sh")), config: command("/bin/sh", "-c", "/app")},
	{name: "a link to a shell that is not there", rule: "shell-missing", runc: true,
		root: all(hello, link("/bin/sh", "busybox")), config: command("/bin/sh", "-c", "/app")},
	{name: "another shell than the image's", rule: "shell-missing", runc: true,
		root: all(hello, sh), config: command("/bin/bash", "-o", "pipefail", "-c", "/app")},
	{name: "a bare shell", rule: "shell-missing", runc: true, root: hello, config: command("sh", "-c", "/app")},
	{name: "flags and c in one word", rule: "shell-missing", runc: true, root: hello, config: command("/bin/sh", "-ec", "/app")},
	{name: "a shell without its libraries", rule: "shell-missing",
		root: all(hello, host("/bin/sh", "/bin/dash")), config: command("/bin/sh", "-c", "/app"),
		limit: "a shell's own linkage is not looked at"},
	{name: "health check in scratch", rule: "shell-missing", trial: health,
		root: hello, config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD-SHELL", "/app"}}},
	{name: "health check with busybox", rule: "shell-missing", trial: health,
		root: all(hello, sh), config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD-SHELL", "/app"}}},
	{name: "health check in exec form", rule: "shell-missing", trial: health,
		root: hello, config: layers.Config{Cmd: []string{"/app"}, Healthcheck: []string{"CMD", "/app"}}},
}
