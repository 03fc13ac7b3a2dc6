package reality

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// zoneinfoCells need to know the Go tree that compiles the programs: it is compiled into them.
func zoneinfoCells(goroot string) []cell {
	cells := []cell{
		{name: "no zoneinfo", root: program("/app", "zone", static)},
		{name: "zoneinfo", root: all(program("/app", "zone", static), zone("/usr/share/zoneinfo/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "zoneinfo without the zone", root: all(program("/app", "zone", static), zone("/usr/share/zoneinfo/Europe/London", "Europe/London"))},
		{name: "zoneinfo in another place", root: all(program("/app", "zone", static), zone("/etc/zoneinfo/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "a damaged zone", root: all(program("/app", "zone", static), text("/usr/share/zoneinfo/Asia/Shanghai", "TZif2"))},
		{name: "a link to nothing", root: all(program("/app", "zone", static), link("/usr/share/zoneinfo/Asia/Shanghai", "../PRC"))},
		{name: "only /etc/localtime", root: all(program("/app", "zone", static), zone("/etc/localtime", "Asia/Shanghai"))},
		{name: "embedded by a tag", root: program("/app", "zone", embedded)},
		{name: "embedded by an import", root: program("/app", "zone-embedded", static)},
		{name: "the builder's Go tree is there", root: all(program("/app", "zone", untrim), zoneZip(goroot+"/lib/time/zoneinfo.zip"))},
		{name: "the builder's Go tree is not there", root: program("/app", "zone", untrim)},
		{name: "the Go tree does not count when trimmed", root: all(program("/app", "zone", static), zoneZip(goroot+"/lib/time/zoneinfo.zip"))},
		{name: "GOROOT leads to it", config: layers.Config{Env: []string{"GOROOT=/go"}}, root: all(program("/app", "zone", static), zoneZip("/go/lib/time/zoneinfo.zip"))},
		{name: "ZONEINFO is a zip", config: layers.Config{Env: []string{"ZONEINFO=/zones.zip"}}, root: all(program("/app", "zone", static), zoneZip("/zones.zip"))},
		{name: "ZONEINFO is a directory", config: layers.Config{Env: []string{"ZONEINFO=/zones"}}, root: all(program("/app", "zone", static), zone("/zones/Asia/Shanghai", "Asia/Shanghai"))},
		{name: "ZONEINFO leads nowhere", config: layers.Config{Env: []string{"ZONEINFO=/nowhere"}}, root: program("/app", "zone", static)},
		{name: "zones that are no files", root: program("/app", "zone-utc", static)},
		{name: "two zones, one there", root: all(program("/app", "zone-mixed", static), zone("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo")),
			limit: "the zone named in a function value is not found in the program"},
		{name: "two zones, both there", root: all(program("/app", "zone-mixed", static), zone("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
			zone("/usr/share/zoneinfo/America/New_York", "America/New_York"))},
		{name: "the environment names it, no zoneinfo", config: layers.Config{Env: []string{"APP_ZONE=Asia/Shanghai"}}, root: program("/app", "zone-dynamic", static)},
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

// localTime is a cell whose program is to print times at an offset from UTC.
func localTime(name, offset string, env []string, root part) cell {
	return cell{name: name, rule: "timezone-unresolved", config: layers.Config{Env: env}, root: all(program("/app", "local-time", static), root),
		failed: func(o outcome) bool { return ended(o) || !strings.HasSuffix(strings.TrimSpace(o.output), offset) }}
}

var (
	shanghai  = zone("/usr/share/zoneinfo/Asia/Shanghai", "Asia/Shanghai")
	nothing   = all()
	localLink = link("/etc/localtime", "/usr/share/zoneinfo/Asia/Shanghai")
)

var localTimeCells = []cell{
	localTime("nothing is asked for", "Z", nil, nothing),
	localTime("TZ with its zone", "+08:00", []string{"TZ=Asia/Shanghai"}, shanghai),
	localTime("TZ with its zone, a colon before", "+08:00", []string{"TZ=:Asia/Shanghai"}, shanghai),
	localTime("TZ without zoneinfo", "+08:00", []string{"TZ=Asia/Shanghai"}, nothing),
	localTime("TZ in POSIX form", "+08:00", []string{"TZ=CST-8"}, shanghai),
	localTime("TZ misspelt", "+08:00", []string{"TZ=Asia/Shangai"}, shanghai),
	localTime("TZ is a path", "+08:00", []string{"TZ=/zone"}, zone("/zone", "Asia/Shanghai")),
	localTime("TZ is a path to nothing", "+08:00", []string{"TZ=/zone"}, shanghai),
	localTime("TZ is UTC", "Z", []string{"TZ=UTC"}, nothing),
	localTime("TZ is Etc/UTC without zoneinfo", "Z", []string{"TZ=Etc/UTC"}, nothing),
	localTime("TZ is empty", "Z", []string{"TZ="}, localLink),
	localTime("ZONEINFO does not count", "+08:00", []string{"TZ=Asia/Shanghai", "ZONEINFO=/zones.zip"}, zoneZip("/zones.zip")),
	localTime("/etc/localtime is a zone", "+08:00", nil, zone("/etc/localtime", "Asia/Shanghai")),
	localTime("/etc/localtime leads to its zone", "+08:00", nil, all(localLink, shanghai)),
	localTime("/etc/localtime leads to nothing", "+08:00", nil, localLink),
	localTime("/etc/localtime is damaged", "+08:00", nil, text("/etc/localtime", "Asia/Shanghai\n")),
	localTime("TZ goes before /etc/localtime", "+09:00", []string{"TZ=Asia/Tokyo"}, all(localLink, shanghai)),
	localTime("GOROOT has the zone", "+08:00", []string{"TZ=Asia/Shanghai", "GOROOT=/go"}, zoneZip("/go/lib/time/zoneinfo.zip")),
	localTime("TZ without zoneinfo, embedded", "+08:00", []string{"TZ=Asia/Shanghai"}, program("/app", "local-time", embedded)),
	localTime("TZ in POSIX form, embedded", "+08:00", []string{"TZ=CST-8"}, program("/app", "local-time", embedded)),
	localTime("TZ is PRC without zoneinfo, embedded", "+08:00", []string{"TZ=PRC"}, program("/app", "local-time", embedded)),
	localTime("a misspelt TZ, embedded", "+08:00", []string{"TZ=Asia/Shangai"}, program("/app", "local-time", embedded)),
	localTime("/etc/localtime leads to nothing, embedded", "+08:00", nil, all(localLink, program("/app", "local-time", embedded))),
}
