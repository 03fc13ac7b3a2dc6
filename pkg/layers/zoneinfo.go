package layers

import (
	"archive/zip"
	"io"
	"path"
	"strings"
	"time"
)

// platformZones are the directories package time looks in. Source: time/zoneinfo_unix.go platformZoneSources.
var platformZones = []string{"/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/", "/usr/lib/locale/TZ/", "/etc/zoneinfo"}

// BuiltIn is the Path of a Lookup that needs no file.
const BuiltIn = "built in"

const (
	maxZoneFile = 10 << 20 // bytes; package time refuses more
	maxZoneZip  = 64 << 20 // bytes; Go's own has 0.4 MB
)

// Zone answers for time.LoadLocation(name) of a program without time/tzdata: $ZONEINFO (a directory, or an
// uncompressed zip if it ends in ".zip"), the platform's directories, and lib/time/zoneinfo.zip of the Go tree at
// $GOROOT or, if that is not set, at goroot, the tree the program was built from ("" if trimmed). A file counts only
// if it parses. Path is BuiltIn for "", "UTC" and "Local", and "" with nothing searched for a name that LoadLocation
// refuses unseen: one with ".." or a slash in front. Source: time/zoneinfo.go, time/zoneinfo_read.go.
func (f *FS) Zone(name string, env []string, goroot string) Lookup {
	if name == "" || name == "UTC" || name == "Local" {
		return Lookup{Path: BuiltIn, Searched: []string{}}
	}
	if strings.Contains(name, "..") || name[0] == '/' || name[0] == '\\' {
		return Lookup{Searched: []string{}}
	}
	var sources []string
	if zoneinfo, _ := getenv(env, "ZONEINFO"); zoneinfo != "" {
		sources = append(sources, zoneinfo)
	}
	sources = append(sources, platformZones...)
	return f.zoneIn(name, append(sources, gorootZones(env, goroot)...))
}

// gorootZones is the zip of the Go tree, if one is known. Source: runtime.GOROOT, time/zoneinfo_goroot.go.
func gorootZones(env []string, goroot string) []string {
	if set, _ := getenv(env, "GOROOT"); set != "" {
		goroot = set
	}
	if goroot == "" {
		return nil
	}
	return []string{goroot + "/lib/time/zoneinfo.zip"}
}

// zoneIn looks for a zone in directories and zips, in order.
func (f *FS) zoneIn(name string, sources []string) Lookup {
	found := Lookup{Searched: []string{}}
	for _, source := range sources {
		place, zipped := path.Clean(source), strings.HasSuffix(source, ".zip") && len(source) > len(".zip")
		if !zipped {
			place = path.Clean(source + "/" + name)
		}
		found.Searched = append(found.Searched, place)
		if zipped && f.zoneInZip(place, name) || !zipped && f.isZone(place, name) {
			found.Path = place
			return found
		}
	}
	return found
}

// isZone tells whether a file holds a zone that package time accepts.
func (f *FS) isZone(file, name string) bool {
	n, _, err := f.tree.follow(file, true, nil)
	if err != nil {
		return false
	}
	data, err := n.read(maxZoneFile)
	return err == nil && parses(name, data)
}

// zoneInZip tells whether an uncompressed zip holds the zone.
func (f *FS) zoneInZip(file, name string) bool {
	n, _, err := f.tree.follow(file, true, nil)
	if err != nil || !n.entry.Mode.IsRegular() || n.entry.Size > maxZoneZip {
		return false
	}
	src, err := n.content.open(n.entry.Size)
	if err != nil {
		return false
	}
	defer src.Close()
	z, err := zip.NewReader(src, n.entry.Size)
	if err != nil {
		return false
	}
	for _, member := range z.File {
		if member.Name != name {
			continue
		}
		if member.Method != zip.Store || member.UncompressedSize64 > maxZoneFile {
			return false
		}
		r, err := member.Open()
		if err != nil {
			return false
		}
		data, err := io.ReadAll(io.LimitReader(r, maxZoneFile))
		return err == nil && parses(name, data)
	}
	return false
}

func parses(name string, data []byte) bool {
	_, err := time.LoadLocationFromTZData(name, data)
	return err == nil
}
