package binary

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// lists returns where ld.so looks for a library that needer wants, in order. Source: elf/dl-load.c, _dl_map_object.
func (g *glibc) lists(needer *object) []searchList {
	var lists []searchList
	add := func(via string, dirs []string) { lists = append(lists, searchList{via, dirs}) }
	if len(needer.elf.RunPath) == 0 {
		// DT_RPATH of the object, of the one that loaded it, and so on up to the program.
		for o := needer; o != nil; o = o.loader {
			if len(o.elf.RunPath) > 0 || len(o.elf.RPath) == 0 {
				continue
			}
			if o.rpath == nil {
				o.rpath = g.directories(o.elf.RPath, o)
			}
			add(viaRPath, o.rpath)
		}
	}
	if list := g.variable("LD_LIBRARY_PATH"); list != "" {
		add(viaEnv, g.directories(strings.Split(strings.ReplaceAll(list, ";", ":"), ":"), g.program))
	}
	add(viaRunPath, g.directories(needer.elf.RunPath, needer))
	add(viaCache, nil)
	add(viaDefault, g.systemDirs)
	return lists
}

// directories expands the elements of a search path, without repetition. An empty one is the working directory.
func (g *glibc) directories(elements []string, o *object) []string {
	var dirs []string
	for _, e := range elements {
		dir, ok := g.expand(e, o)
		if !ok {
			continue
		}
		if dir != "/" {
			dir = strings.TrimRight(dir, "/")
		}
		if e == "" {
			dir = "."
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// expand replaces the dynamic string tokens of an object's path; false drops the element: the program is secure and
// its $ORIGIN leads outside the system directories.
func (g *glibc) expand(s string, o *object) (string, bool) {
	if !strings.Contains(s, "$") {
		return s, true
	}
	origin := path.Dir(o.name)
	if o == g.program {
		origin = path.Dir("/" + o.real) // from /proc/self/exe
	}
	hasOrigin := strings.Contains(s, "$ORIGIN") || strings.Contains(s, "${ORIGIN}")
	lib, platform := g.library(), platforms[o.elf.Arch]
	s = strings.NewReplacer("${ORIGIN}", origin, "$ORIGIN", origin, "${LIB}", lib, "$LIB", lib,
		"${PLATFORM}", platform, "$PLATFORM", platform).Replace(s)
	if g.secure && hasOrigin && o == g.program {
		return s, slices.Contains(g.systemDirs, path.Clean(s))
	}
	return s, true
}

// platforms is $PLATFORM, AT_PLATFORM of the kernel on a plain machine of each architecture.
var platforms = map[string]string{"amd64": "x86_64", "386": "i686", "arm64": "aarch64", "loong64": "loongarch64"}

// library is $LIB: what follows the root in the first system directory.
func (g *glibc) library() string {
	if len(g.systemDirs) == 0 {
		return "lib"
	}
	first := strings.TrimPrefix(g.systemDirs[0], "/usr")
	if i := strings.LastIndex(first, "/lib"); i >= 0 {
		return first[i+1:]
	}
	return "lib"
}

// systemDirs reads the default directories out of the loader, where they stand one after another, each ending in "/"
// and NUL. Source: elf/dl-load.c, system_dirs. A loader that shows none has those of Debian and of upstream.
func systemDirs(content []byte, arch string) []string {
	const last = "/lib" // every list has a directory whose path holds this
	for at := 0; ; {
		i := bytes.Index(content[at:], []byte(last))
		if i < 0 {
			break
		}
		start := bytes.LastIndexByte(content[:at+i], 0) + 1
		var dirs []string
		for rest := content[start:]; ; {
			end := bytes.IndexByte(rest[:min(len(rest), maxInterpreter)], 0)
			if end < 2 || rest[0] != '/' || rest[end-1] != '/' {
				break
			}
			dirs = append(dirs, string(rest[:end-1]))
			rest = rest[end+1:]
		}
		if len(dirs) > 0 {
			return dirs
		}
		at += i + len(last)
	}
	var dirs []string
	if triplet := triplets[arch]; triplet != "" {
		dirs = append(dirs, "/lib/"+triplet, "/usr/lib/"+triplet)
	}
	return append(dirs, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
}

// triplets are Debian's names of the architectures. Source: Debian wiki, Multiarch/Tuples.
var triplets = map[string]string{
	"386": "i386-linux-gnu", "amd64": "x86_64-linux-gnu", "arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu",
	"loong64": "loongarch64-linux-gnu", "mips64le": "mips64el-linux-gnuabi64", "mipsle": "mipsel-linux-gnu",
	"ppc64le": "powerpc64le-linux-gnu", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
}
