package reality

var stubCells = []cell{
	{name: "plugin without cgo", rule: "cgo-stub-linked", root: program("/app", "plugin-open", static)},
	{name: "no plugin", rule: "cgo-stub-linked", root: hello},
}
