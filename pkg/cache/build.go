package cache

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Build tells this build of imgaudit from any other that could see other facts in the same bytes: the version of a
// release, the revision of a clean work tree, else the size and time of the executable.
// It is "" if not even that can be had.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return executable()
	}
	return buildOf(info, executable)
}

func buildOf(info *debug.BuildInfo, executable func() string) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version, revision := info.Main.Version, settings["vcs.revision"]
	replaced := false
	for _, dep := range info.Deps {
		replaced = replaced || dep.Replace != nil
	}
	switch {
	case replaced || settings["vcs.modified"] == "true" || strings.Contains(version, "+dirty"):
		return executable()
	case version != "" && version != "(devel)":
		return version + " " + runtime.Version() + " " + runtime.GOARCH
	case revision != "":
		return revision + " " + runtime.Version() + " " + runtime.GOARCH
	}
	return executable()
}

// executable names the program's file by its size and time.
func executable() string {
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d bytes of %d", info.Size(), info.ModTime().UnixNano())
}
