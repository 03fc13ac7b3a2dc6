package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

const (
	rootEntry  = "root:x:0:0:root:/root:/bin/sh\n"
	otherEntry = "app:x:1000:1000::/app:/bin/false\n"
)

var userDatabaseCells = userDatabases(
	cell{name: "no users", root: program("/app", "user-lookup", static)},
	cell{name: "the user", root: all(program("/app", "user-lookup", static), text("/etc/passwd", rootEntry))},
	cell{name: "another user", root: all(program("/app", "user-lookup", static), text("/etc/passwd", otherEntry))},
	cell{name: "an empty file", root: all(program("/app", "user-lookup", static), text("/etc/passwd", ""))},
	cell{name: "no users, through libc", root: all(program("/app", "user-lookup", cgo), glibc)},
	cell{name: "the user, through libc", root: all(program("/app", "user-lookup", cgo), glibc, text("/etc/passwd", rootEntry))},
	cell{name: "another user, through libc", root: all(program("/app", "user-lookup", cgo), glibc, text("/etc/passwd", otherEntry))},
	cell{name: "no groups", root: all(program("/app", "user-group", static), text("/etc/passwd", rootEntry))},
	cell{name: "the group", root: all(program("/app", "user-group", static), text("/etc/group", "docker:x:999:\n"))},
	cell{name: "another group", root: all(program("/app", "user-group", static), text("/etc/group", "root:x:0:\n"))},
	cell{name: "who am I, root without users", root: program("/app", "user-current", static)},
	cell{name: "who am I, with USER", config: layers.Config{Env: []string{"USER=app", "HOME=/"}}, root: program("/app", "user-current", static)},
	cell{name: "who am I, with an entry", config: layers.Config{User: "1000"},
		root: all(program("/app", "user-current", static), text("/etc/passwd", rootEntry+otherEntry))},
	cell{name: "who am I, without an entry", config: layers.Config{User: "65532"},
		root: all(program("/app", "user-current", static), text("/etc/passwd", rootEntry+otherEntry))},
	cell{name: "a name from the environment", config: layers.Config{Env: []string{"APP_USER=app"}}, root: program("/app", "user-dynamic", static)},
	cell{name: "a name from the environment, with users", config: layers.Config{Env: []string{"APP_USER=app"}},
		root: all(program("/app", "user-dynamic", static), text("/etc/passwd", otherEntry))},
	cell{name: "nobody is looked up", root: hello},
)

func userDatabases(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "user-database-missing"
	}
	return cells
}
