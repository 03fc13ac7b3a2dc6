package binary

import (
	"bytes"
	"strings"
)

// levelMarks is a name of the lowest level of each architecture that has subdirectories of glibc-hwcaps.
var levelMarks = map[string]string{"amd64": "x86-64-v2", "ppc64le": "power9", "s390x": "z13"}

// hardwareLevels reads the subdirectories of glibc-hwcaps out of the loader: "x86-64-v4:x86-64-v3:x86-64-v2". An image
// runs on many machines; the simulation takes one that has all the levels the loader knows. Source: ld.so(8), since
// glibc 2.33. The subdirectories of older versions (tls, haswell, AT_PLATFORM) are not searched.
func hardwareLevels(content []byte, arch string) []string {
	mark := levelMarks[arch]
	if mark == "" {
		return nil
	}
	for at := 0; ; at++ {
		i := bytes.Index(content[at:], []byte(mark+"\x00"))
		if i < 0 {
			return nil
		}
		at += i
		start := bytes.LastIndexByte(content[:at], 0) + 1
		if list := string(content[start : at+len(mark)]); strings.Contains(list, ":") {
			return strings.Split(list, ":")
		}
	}
}

// subdirectories returns the paths at which ld.so looks for a library in one directory. Subdirectories that are not
// there are left out.
func (g *glibc) subdirectories(dir, name string) []string {
	if dir == "/" {
		dir = ""
	}
	var paths []string
	if len(g.levels) > 0 && g.tree.isDir(dir+"/glibc-hwcaps") {
		for _, level := range g.levels {
			if sub := dir + "/glibc-hwcaps/" + level; g.tree.isDir(sub) {
				paths = append(paths, sub+"/"+name)
			}
		}
	}
	return append(paths, dir+"/"+name)
}
