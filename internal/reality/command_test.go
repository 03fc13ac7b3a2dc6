package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

var commandCells = commands(
	cell{name: "no convert", root: program("/app", "exec-command", static)},
	cell{name: "convert in PATH", root: all(program("/app", "exec-command", static), program("/usr/bin/convert", "hello", static))},
	cell{name: "convert in a PATH of the image", config: layers.Config{Env: []string{"PATH=/opt/tools"}},
		root: all(program("/app", "exec-command", static), program("/opt/tools/convert", "hello", static))},
	cell{name: "convert in no PATH of the image", config: layers.Config{Env: []string{"PATH=/opt/tools"}},
		root: all(program("/app", "exec-command", static), program("/usr/bin/convert", "hello", static))},
	cell{name: "convert without an x bit",
		root: all(program("/app", "exec-command", static), as(0o644, 0, program("/usr/bin/convert", "hello", static)))},
	cell{name: "convert for root alone", config: layers.Config{User: "65532"},
		root: all(program("/app", "exec-command", static), as(0o700, 0, program("/usr/bin/convert", "hello", static)))},
	cell{name: "a link to nothing", root: all(program("/app", "exec-command", static), link("/usr/bin/convert", "convert7"))},
	cell{name: "no convert by its path", root: program("/app", "exec-absolute", static)},
	cell{name: "convert by its path", root: all(program("/app", "exec-absolute", static), program("/usr/bin/convert", "hello", static))},
	cell{name: "no shell for sh -c", root: program("/app", "shell", static)},
	cell{name: "busybox for sh -c", root: all(program("/app", "shell", static), sh)},
	cell{name: "by reflection", root: program("/app", "reflection-exec", static)},
	cell{name: "nothing is run", root: hello},
)

func commands(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "command-missing"
	}
	return cells
}
