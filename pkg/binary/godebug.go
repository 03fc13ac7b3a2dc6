package binary

import "strings"

// GODEBUG returns the settings of DefaultGODEBUG by name, nil if there are none: those that the go line of go.mod or a
// //go:debug line keeps at another value than the toolchain's own. Source: go.dev/doc/godebug.
func (g *GoInfo) GODEBUG() map[string]string {
	text := g.Settings["DefaultGODEBUG"]
	if text == "" {
		return nil
	}
	all := map[string]string{}
	for _, setting := range strings.Split(text, ",") {
		if name, value, ok := strings.Cut(setting, "="); ok {
			all[name] = value
		}
	}
	return all
}

// Release is the Go release without what follows it, "go1.26.8" of "go1.26.8-X:boringcrypto"; "" for a development version.
func (g *GoInfo) Release() string {
	release, _, _ := strings.Cut(g.Version, " ")
	release, _, _ = strings.Cut(release, "-")
	if !strings.HasPrefix(release, "go1.") {
		return ""
	}
	return release
}
