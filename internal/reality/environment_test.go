package reality

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// settings are the values of a variable with what whoever wrote them means: the number that the runtime is to have,
// "" if nobody can tell.
var settings = []struct{ key, value, meant string }{
	{"GOMEMLIMIT", "536870912", "536870912"},
	{"GOMEMLIMIT", "536870912B", "536870912"},
	{"GOMEMLIMIT", "524288KiB", "536870912"},
	{"GOMEMLIMIT", "512MiB", "536870912"},
	{"GOMEMLIMIT", "1GiB", "1073741824"},
	{"GOMEMLIMIT", "1TiB", "1099511627776"},
	{"GOMEMLIMIT", "0512MiB", "536870912"},
	{"GOMEMLIMIT", "off", "9223372036854775807"},
	{"GOMEMLIMIT", "", "9223372036854775807"},
	{"GOMEMLIMIT", "9223372036854775807", "9223372036854775807"},
	{"GOMEMLIMIT", "9223372036854775808", ""},
	{"GOMEMLIMIT", "8388607TiB", "9223370937343148032"},
	{"GOMEMLIMIT", "8388608TiB", ""},
	{"GOMEMLIMIT", "512Mi", "536870912"},
	{"GOMEMLIMIT", "512M", "536870912"},
	{"GOMEMLIMIT", "512MB", "536870912"},
	{"GOMEMLIMIT", "512mib", "536870912"},
	{"GOMEMLIMIT", "1G", "1073741824"},
	{"GOMEMLIMIT", "1PiB", "1125899906842624"},
	{"GOMEMLIMIT", "0.5GiB", "536870912"},
	{"GOMEMLIMIT", " 512MiB", "536870912"},
	{"GOMEMLIMIT", "512 MiB", "536870912"},
	{"GOMEMLIMIT", "512MiB ", "536870912"},
	{"GOMEMLIMIT", "-1", ""},
	{"GOMEMLIMIT", "+512MiB", "536870912"},
	{"GOMEMLIMIT", "0", "0"},
	{"GOMEMLIMIT", "OFF", ""},
	{"GOMEMLIMIT", "${LIMIT}", ""},
	{"GOMEMLIMIT", "1e9", "1000000000"},
	{"GOMEMLIMIT", "B", ""},
	{"GOMEMLIMIT", "MiB", ""},
	{"GOGC", "50", "50"},
	{"GOGC", "off", "-1"},
	{"GOGC", "", "100"},
	{"GOGC", "-1", "-1"},
	{"GOGC", "0", "0"},
	{"GOGC", "+50", "50"},
	{"GOGC", "050", "50"},
	{"GOGC", "50%", "50"},
	{"GOGC", "abc", ""},
	{"GOGC", " 50", "50"},
	{"GOGC", "50.0", "50"},
	{"GOGC", "2147483647", "2147483647"},
	{"GOGC", "2147483648", "2147483648"},
	{"GOMAXPROCS", "3", "3"},
	{"GOMAXPROCS", "+3", "3"},
	{"GOMAXPROCS", "0", "0"},
	{"GOMAXPROCS", "-3", "3"},
	{"GOMAXPROCS", "500m", ""},
	{"GOMAXPROCS", "3.5", "4"},
	{"GOMAXPROCS", "3 ", "3"},
	{"GOMAXPROCS", "2147483648", "2147483648"},
}

// environmentCells have a program print what the runtime has.
func environmentCells() []cell {
	var cells []cell
	for _, s := range settings {
		meant := fmt.Sprintf("%s=%s;", s.key, s.meant)
		cells = append(cells, cell{
			name: fmt.Sprintf("%s=%q", s.key, s.value), rule: "environment-malformed", root: program("/app", "settings", static),
			config: layers.Config{Env: []string{s.key + "=" + s.value}}, failed: without(meant),
		})
	}
	return cells
}
