package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

var userCells = users("", "0", "root", "root:root", "toor", "0:1000", "65532", "65532:65532", "1000:0", "app", "app:root")

// users makes a cell of each way to name the run-time's user. The name is resolved as the audit does: the kernel knows
// numbers only.
func users(names ...string) []cell {
	var cells []cell
	for _, name := range names {
		cells = append(cells, cell{
			name: "USER " + name, rule: "runs-as-root", config: layers.Config{User: name}, runc: true,
			root:    all(program("/app", "settings", static), passwd, text("/etc/group", "root:x:0:\napp:x:1000:\n")),
			failed:  func(o outcome) bool { return !without("uid=0;")(o) },
			foreign: "nobody's: the program runs",
		})
	}
	return cells
}
