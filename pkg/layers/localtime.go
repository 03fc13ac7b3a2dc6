package layers

import "strings"

// LocalTime answers for time.Local of a program without time/tzdata and with no Go tree but that of $GOROOT; see
// LocalTimeOf for one whose tree is known.
func (f *FS) LocalTime(env []string) LocalTime { return f.LocalTimeOf(env, "") }

// LocalTimeOf answers for time.Local of a program built from the Go tree at goroot ("" if trimmed): $TZ, a leading
// colon dropped, names a file by its absolute path or a zone of the platform's directories and the Go tree; without TZ
// /etc/localtime decides. $ZONEINFO plays no part. What cannot be loaded is UTC without a word.
// Source: time/zoneinfo_unix.go initLocal.
func (f *FS) LocalTimeOf(env []string, goroot string) LocalTime {
	tz, set := getenv(env, "TZ")
	local := LocalTime{TZ: tz, Set: set}
	zone := strings.TrimPrefix(tz, ":")
	var found Lookup
	switch {
	case !set:
		found = f.zoneIn("localtime", append([]string{"/etc"}, gorootZones(env, goroot)...))
		_, present := f.Entry("/etc/localtime")
		local.Silent = present && found.Path == ""
	case zone == "" || zone == "UTC":
		return local
	case zone[0] == '/':
		found = f.zoneIn(zone, append([]string{""}, gorootZones(env, goroot)...))
		local.Silent = found.Path == ""
	default:
		found = f.zoneIn(zone, append(platformZones[:len(platformZones):len(platformZones)], gorootZones(env, goroot)...))
		local.Silent = found.Path == ""
	}
	local.Path, local.Searched = found.Path, found.Searched
	return local
}
