package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

// zoneinfoCells need to know the Go tree that compiles the programs: it is compiled into them.
func zoneinfoCells(goroot string) []cell {
	cells := []cell{
		{name: "no zoneinfo", root: program("/app", "zone", static)},
		{name: "zoneinfo", root: all(program("/app", "zone", static), zone("/usr/share/zoneinfo/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "zoneinfo without the zone",
			root: all(program("/app", "zone", static), zone("/usr/share/zoneinfo/Europe/London", "Europe/London"))},
		{name: "zoneinfo in another place",
			root: all(program("/app", "zone", static), zone("/etc/zoneinfo/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "a damaged zone", root: all(program("/app", "zone", static), text("/usr/share/zoneinfo/Asia/Shanghai", "TZif2"))},
		{name: "a link to nothing", root: all(program("/app", "zone", static), link("/usr/share/zoneinfo/Asia/Shanghai", "../PRC"))},
		{name: "only /etc/localtime", root: all(program("/app", "zone", static), zone("/etc/localtime", "Asia/Shanghai"))},
		{name: "embedded by a tag", root: program("/app", "zone", embedded)},
		{name: "embedded by an import", root: program("/app", "zone-embedded", static)},
		{name: "the builder's Go tree is there", root: all(program("/app", "zone", untrim), zoneZip(goroot+"/lib/time/zoneinfo.zip"))},
		{name: "the builder's Go tree is not there", root: program("/app", "zone", untrim)},
		{name: "the Go tree does not count when trimmed",
			root: all(program("/app", "zone", static), zoneZip(goroot+"/lib/time/zoneinfo.zip"))},
		{name: "GOROOT leads to it", config: layers.Config{Env: []string{"GOROOT=/go"}},
			root: all(program("/app", "zone", static), zoneZip("/go/lib/time/zoneinfo.zip"))},
		{name: "ZONEINFO is a zip", config: layers.Config{Env: []string{"ZONEINFO=/zones.zip"}},
			root: all(program("/app", "zone", static), zoneZip("/zones.zip"))},
		{name: "ZONEINFO is a directory", config: layers.Config{Env: []string{"ZONEINFO=/zones"}},
			root: all(program("/app", "zone", static), zone("/zones/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "ZONEINFO leads nowhere", config: layers.Config{Env: []string{"ZONEINFO=/nowhere"}},
			root: program("/app", "zone", static)},
		{name: "zones that are no files", root: program("/app", "zone-utc", static)},
		{name: "two zones, one there",
			root:  all(program("/app", "zone-mixed", static), zone("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo")),
			limit: "the zone named in a function value is not found in the program"},
		{name: "two zones, both there",
			root: all(program("/app", "zone-mixed", static), zone("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
				zone("/usr/share/zoneinfo/America/New_York", "America/New_York"))},
		{name: "the environment names it, no zoneinfo", config: layers.Config{Env: []string{"APP_ZONE=Asia/Shanghai"}},
			root: program("/app", "zone-dynamic", static)},
		{name: "the environment names it, zoneinfo", config: layers.Config{Env: []string{"APP_ZONE=Asia/Tokyo"}},
			root: all(program("/app", "zone-dynamic", static), zone("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"))},
		{name: "a zone for root alone", config: layers.Config{User: "65532"},
			root:  all(program("/app", "zone", static), as(0o600, 0, zone("/usr/share/zoneinfo/Asia/Shanghai", "Asia/Shanghai"))),
			limit: "whether the user may read a zone is not asked"},
	}
	for i := range cells {
		cells[i].rule = "zoneinfo-missing"
	}
	return cells
}
