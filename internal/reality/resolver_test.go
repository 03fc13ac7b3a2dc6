package reality

// hosts knows the name that the program asks for.
var hosts = text("/etc/hosts", "127.0.0.1 localhost\n192.0.2.7 database\n")

var resolverCells = append(resolvers("name-service-switch-missing",
	cell{name: "a name of /etc/hosts, no nsswitch.conf", root: all(program("/app", "lookup-host", static), hosts)},
	cell{name: "a name of /etc/hosts, nsswitch.conf", root: all(program("/app", "lookup-host", static), hosts, text("/etc/nsswitch.conf", "hosts: files dns\n"))},
), resolvers("resolver-fallback",
	cell{name: "through libc, no nsswitch.conf", root: all(program("/app", "lookup-host", cgo), glibc, hosts)},
	cell{name: "through libc, files", root: all(program("/app", "lookup-host", cgo), glibc, hosts, text("/etc/nsswitch.conf", "hosts: files dns\n"))},
	cell{name: "through libc, a source without a library", root: all(program("/app", "lookup-host", cgo), glibc, hosts, text("/etc/nsswitch.conf", "hosts: company\n"))},
	cell{name: "through libc, a source without a library after the files",
		root:  all(program("/app", "lookup-host", cgo), glibc, hosts, text("/etc/nsswitch.conf", "hosts: files company\n")),
		alarm: "which names only that source knows is not seen"},
	cell{name: "through a static libc, files", root: all(program("/app", "lookup-host", cgoglibc), hosts, text("/etc/nsswitch.conf", "hosts: files dns\n"))},
	cell{name: "through a static libc, a source without a library",
		root: all(program("/app", "lookup-host", cgoglibc), hosts, text("/etc/nsswitch.conf", "hosts: company\n"))},
	cell{name: "through musl, a source without a library",
		root: all(program("/app", "lookup-host", cgomusl), musl, hosts, text("/etc/nsswitch.conf", "hosts: company\n"))},
	cell{name: "Go's own, a source without a library", root: all(program("/app", "lookup-host", static), hosts, text("/etc/nsswitch.conf", "hosts: files company\n"))},
)...)

func resolvers(rule string, cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = rule
	}
	return cells
}
