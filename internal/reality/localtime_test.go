package reality

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

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
	notCovered("which zones are embedded is not known",
		localTime("a misspelt TZ, embedded", "+08:00", []string{"TZ=Asia/Shangai"}, program("/app", "local-time", embedded))),
	localTime("/etc/localtime leads to nothing, embedded", "+08:00", nil, all(localLink, program("/app", "local-time", embedded))),
}
