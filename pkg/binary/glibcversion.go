package binary

import (
	"strconv"
	"strings"
)

// checkVersions compares the versions each object wants with those its libraries define. A library without any only
// makes ld.so complain. Source: elf/dl-version.c, _dl_check_map_versions, match_symbol.
func (g *glibc) checkVersions() {
	defined := map[*object]map[string]bool{}
	for _, o := range g.objects {
		for _, need := range o.elf.VersionNeeds {
			lib := g.names[need.Library]
			if lib == nil || len(lib.elf.VersionDefs) == 0 {
				continue
			}
			if defined[lib] == nil {
				defined[lib] = make(map[string]bool, len(lib.elf.VersionDefs))
				for _, v := range lib.elf.VersionDefs {
					defined[lib][v] = true
				}
			}
			for _, v := range need.Versions {
				if !defined[lib][v] {
					g.missingVersion(o, lib, need.Library, v)
				}
			}
		}
	}
}

// missingVersion reports a version that o wants of lib.
func (g *glibc) missingVersion(o, lib *object, name, version string) {
	g.fail(1, "%s: %s: version `%s' not found (required by %s)", g.program.name, lib.name, version, o.name)
	if len(g.out.MissingVersions) < maxMissing {
		g.out.MissingVersions = append(g.out.MissingVersions, MissingVersion{
			Library: name, Path: lib.name, Version: version, By: o.name, Newest: newest(lib.elf.VersionDefs, version),
		})
	}
}

// newest returns the highest of the versions that share the wanted one's prefix ("GLIBC_" of "GLIBC_2.38"), "" if
// there is none.
func newest(versions []string, wanted string) string {
	prefix, _ := splitVersion(wanted)
	best, bestNumbers := "", []int(nil)
	for _, v := range versions {
		if p, numbers := splitVersion(v); p == prefix && len(numbers) > 0 && (best == "" || less(bestNumbers, numbers)) {
			best, bestNumbers = v, numbers
		}
	}
	return best
}

// splitVersion splits "GLIBC_2.3.4" into "GLIBC_" and 2, 3, 4; no numbers if the rest is something else.
func splitVersion(v string) (prefix string, numbers []int) {
	i := strings.LastIndexByte(v, '_') + 1
	for part := range strings.SplitSeq(v[i:], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return v[:i], nil
		}
		numbers = append(numbers, n)
	}
	return v[:i], numbers
}

// less compares dotted numbers.
func less(a, b []int) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}
