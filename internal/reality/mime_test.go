package reality

var mimeCells = mimeTables(
	cell{name: "no table", root: program("/app", "mime-extension", static)},
	cell{name: "mime.types", root: all(program("/app", "mime-extension", static), text("/etc/mime.types", "application/epub+zip epub\n"))},
	cell{name: "apache's table", root: all(program("/app", "mime-extension", static), text("/etc/apache2/mime.types", "application/epub+zip epub\n"))},
	cell{name: "a desktop's table", root: all(program("/app", "mime-extension", static),
		text("/usr/share/mime/globs2", "50:application/epub+zip:*.epub\n"))},
	cell{name: "a table without it", root: all(program("/app", "mime-extension", static), text("/etc/mime.types", "text/x-other other\n")),
		limit: "what is in the tables is not looked at"},
	cell{name: "a type that is built in", root: program("/app", "mime-builtin", static)},
)

func mimeTables(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "mime-types-missing"
	}
	return cells
}
