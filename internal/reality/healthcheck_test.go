package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

// checked is a config whose health check is given.
func checked(words ...string) layers.Config {
	return layers.Config{Cmd: []string{"/app"}, Healthcheck: words}
}

var healthcheckCells = healthchecks(
	cell{name: "no curl", root: hello, config: checked("CMD", "curl", "-f", "http://localhost:8080/")},
	cell{name: "a path to nothing", root: hello, config: checked("CMD", "/bin/curl")},
	cell{name: "the program itself", root: hello, config: checked("CMD", "/app")},
	cell{name: "a program of the image", root: all(hello, program("/usr/bin/probe", "hello", static)), config: checked("CMD", "probe")},
	cell{name: "no curl for dash", root: all(hello, shell("dash", "/bin/sh")), config: checked("CMD-SHELL", "curl -f http://localhost:8080/ || exit 1")},
	cell{name: "no curl for bash", root: all(hello, shell("bash", "/bin/sh")), config: checked("CMD-SHELL", "curl -f http://localhost:8080/")},
	cell{name: "no curl for busybox", root: all(hello, sh), config: checked("CMD-SHELL", "curl -f http://localhost:8080/ || exit 1")},
	cell{name: "a program for dash", root: all(hello, shell("dash", "/bin/sh")), config: checked("CMD-SHELL", "/app || exit 1")},
	cell{name: "the shell alone", root: all(hello, shell("dash", "/bin/sh")), config: checked("CMD-SHELL", "test -e /app")},
)

func healthchecks(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule, cells[i].trial = "healthcheck-cannot-run", health
	}
	return cells
}
