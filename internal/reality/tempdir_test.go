package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

var tempDirCells = tempDirs(
	cell{name: "no /tmp", root: program("/app", "temp-file", static)},
	cell{name: "/tmp", root: all(program("/app", "temp-file", static), dir("/tmp", 0o1777, 0))},
	cell{name: "/tmp for everybody", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o1777, 0))},
	cell{name: "/tmp of root", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o755, 0))},
	cell{name: "/tmp of root, run by root", root: all(program("/app", "temp-file", static), dir("/tmp", 0o555, 0))},
	cell{name: "/tmp of the user", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o700, 65532))},
	cell{name: "/tmp of the group", config: layers.Config{User: "65532:500"},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o770, 500))},
	cell{name: "/tmp writable but not searchable", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o776, 0))},
	cell{name: "/tmp is a file", root: all(program("/app", "temp-file", static), text("/tmp", "x"))},
	cell{name: "/tmp leads to /var/tmp", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-file", static), link("/tmp", "var/tmp"), dir("/var/tmp", 0o1777, 0))},
	cell{name: "/tmp leads to nothing", root: all(program("/app", "temp-file", static), link("/tmp", "var/tmp"))},
	cell{name: "/tmp leads to itself", root: all(program("/app", "temp-file", static), link("/tmp", "tmp"))},
	cell{name: "TMPDIR", config: layers.Config{User: "65532", Env: []string{"TMPDIR=/scratch"}},
		root: all(program("/app", "temp-file", static), dir("/scratch", 0o1777, 0))},
	cell{name: "TMPDIR leads nowhere", config: layers.Config{Env: []string{"TMPDIR=/scratch"}},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o1777, 0))},
	cell{name: "TMPDIR is empty", config: layers.Config{Env: []string{"TMPDIR="}},
		root: all(program("/app", "temp-file", static), dir("/tmp", 0o1777, 0))},
	cell{name: "TMPDIR is relative", config: layers.Config{WorkingDir: "/srv", Env: []string{"TMPDIR=scratch"}},
		root: all(program("/app", "temp-file", static), dir("/srv/scratch", 0o1777, 0))},
	cell{name: "the directory it names", root: all(program("/app", "temp-dir-named", static), dir("/var/lib/app", 0o755, 0))},
	cell{name: "no directory that it names", root: all(program("/app", "temp-dir-named", static), dir("/tmp", 0o1777, 0))},
	cell{name: "the directory it names is root's", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-dir-named", static), dir("/var/lib/app", 0o755, 0))},
	cell{name: "the directory it names is a file", root: all(program("/app", "temp-dir-named", static), text("/var/lib/app", "x"))},
	cell{name: "no directory that it names, but TMPDIR", config: layers.Config{Env: []string{"TMPDIR=/tmp"}},
		root: all(program("/app", "temp-dir-named", static), dir("/tmp", 0o1777, 0))},
	cell{name: "by reflection, no /tmp", root: program("/app", "reflection", static)},
	cell{name: "a file by name, no /tmp", root: program("/app", "temp-write", static)},
	cell{name: "a file by name, /tmp", config: layers.Config{User: "65532"}, root: all(program("/app", "temp-write", static), dir("/tmp", 0o1777, 0))},
	cell{name: "a directory that it makes, no /tmp", root: program("/app", "temp-made", static)},
	cell{name: "a directory that it may not make, no /tmp", config: layers.Config{User: "65532"}, root: program("/app", "temp-made", static)},
	cell{name: "a directory that it makes, /tmp", config: layers.Config{User: "65532"},
		root: all(program("/app", "temp-made", static), dir("/tmp", 0o1777, 0))},
	cell{name: "nothing is created", root: hello},
)

func tempDirs(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "temp-dir-missing"
	}
	return cells
}
