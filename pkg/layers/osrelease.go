package layers

import (
	"io"
	"strings"
)

// OSRelease is the distribution that an image says it is. Source: os-release(5).
type OSRelease struct {
	ID      string `json:"id"`                // "debian", "alpine", "ubuntu"; "linux" if the file does not say
	Version string `json:"version,omitempty"` // VERSION_ID: "12", "3.22.1"
	Name    string `json:"name,omitempty"`    // PRETTY_NAME, for people
	File    string `json:"file"`              // where it is said
}

// OSRelease reads /etc/os-release, or /usr/lib/os-release if there is none; false if neither can be read.
func (f *FS) OSRelease() (OSRelease, bool) {
	const most = 64 << 10
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		file, err := f.Open(name)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(file, most))
		file.Close()
		if err == nil {
			return parseOSRelease("/"+name, string(text)), true
		}
	}
	return OSRelease{}, false
}

func parseOSRelease(name, text string) OSRelease {
	o := OSRelease{ID: "linux", File: name}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			o.ID = value
		case "VERSION_ID":
			o.Version = value
		case "PRETTY_NAME":
			o.Name = value
		}
	}
	return o
}
