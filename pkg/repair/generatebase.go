package repair

import (
	"fmt"
	goversion "go/version"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// linkage is what the program is linked against in the end.
type linkage struct {
	libc      binary.Libc
	floor     int      // least minor release of glibc 2, 0 if any will do
	libraries []string // beyond the libc's own
	evidence  string
}

// glibcBases are base images by the minor release of their glibc 2, in the order they are preferred. As of 2026-11-22.
// Sources: packages.debian.org/libc6, packages.ubuntu.com/libc6.
var glibcBases = []struct {
	image string
	minor int
}{{"debian:13-slim", 41}, {"ubuntu:26.04", 42}}

// oldBase serves programs built on Debian 12, whose golang images are tagged bookworm.
const oldBase = "debian:12-slim"

// muslBase is the base image for programs that are linked against musl.
const muslBase = "alpine:3"

// libcParts are the libraries that come with glibc itself. Source: the file list of Debian's libc6.
var libcParts = []string{"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libutil.so.1", "libnsl.so.1",
	"libanl.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}

// slimParts are what Debian's slim images have beyond: apt is written in C++.
var slimParts = []string{"libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "libzstd.so.1", "liblzma.so.5", "libbz2.so.1.0", "libcrypt.so.1"}

// link decides what the program is linked against, and so the base of the final stage.
func (g *generator) link() error {
	elf := (*binary.ELF)(nil)
	if g.Binary != nil {
		elf = g.Binary.ELF
	}
	switch {
	case g.Main != nil && !g.cgo():
		g.linking = linkage{evidence: "the program needs no C: CGO_ENABLED=0 links it statically"}
	case g.Main != nil && strings.Contains(g.Builder, "alpine"):
		g.linking = linkage{libc: binary.Musl, evidence: "the program needs cgo, and the build stage has musl"}
	case g.Main != nil:
		g.linking = linkage{libc: binary.Glibc, evidence: "the program needs cgo, and the build stage has glibc"}
	case elf == nil || elf.Interpreter == "":
		g.linking = linkage{evidence: "the program is static"}
	case strings.HasPrefix(path.Base(elf.Interpreter), "ld-musl-"):
		g.linking = linkage{libc: binary.Musl, evidence: "the program's loader is " + elf.Interpreter}
	case strings.HasPrefix(path.Base(elf.Interpreter), "ld-linux") || strings.HasPrefix(path.Base(elf.Interpreter), "ld64.so"):
		g.linking = linkage{libc: binary.Glibc, evidence: "the program's loader is " + elf.Interpreter}
	default:
		return fmt.Errorf("generating: no base image is known for the loader %q", elf.Interpreter)
	}
	if elf != nil && g.linking.libc == binary.Glibc {
		g.linking.floor = glibcFloor(elf)
		if g.linking.floor > 0 && g.Main == nil {
			g.linking.evidence += fmt.Sprintf(", and it wants GLIBC_2.%d", g.linking.floor)
		}
		for _, lib := range elf.Needed {
			if !slices.Contains(libcParts, lib) {
				g.linking.libraries = append(g.linking.libraries, lib)
			}
		}
	}
	return g.choose()
}

// cgo reports whether the program to build needs cgo: by its source, or because the given one has libraries beyond libc's.
func (g *generator) cgo() bool {
	if g.Main.Cgo {
		return true
	}
	return g.Binary != nil && slices.ContainsFunc(g.Binary.ELF.Needed, func(lib string) bool { return !slices.Contains(libcParts, lib) && !strings.HasPrefix(lib, "libc.") })
}

// choose picks the base.
func (g *generator) choose() error {
	if g.base = g.Base; g.base != "" {
		return nil
	}
	switch g.linking.libc {
	case binary.NoLibc:
		g.base = "scratch"
	case binary.Musl:
		g.base = muslBase
	default:
		if g.Main != nil && strings.Contains(g.Builder, "bookworm") {
			g.base = oldBase
			return nil
		}
		for _, b := range glibcBases {
			if b.minor >= g.linking.floor {
				g.base = b.image
				return nil
			}
		}
		return fmt.Errorf("generating: the program wants GLIBC_2.%d, and no base image is known that has it: name one with --base", g.linking.floor)
	}
	return nil
}

// glibcFloor is the newest minor release of glibc 2 whose symbols the program wants, 0 if it names none.
func glibcFloor(elf *binary.ELF) int {
	floor := 0
	for _, need := range elf.VersionNeeds {
		for _, v := range need.Versions {
			release, ok := strings.CutPrefix(v, "GLIBC_2.")
			release, _, _ = strings.Cut(release, ".")
			if minor, err := strconv.Atoi(release); ok && err == nil {
				floor = max(floor, minor)
			}
		}
	}
	return floor
}

// goReleases are the days when Go releases came out, from 1.16 on. As of 2026-11-22. Source: go.dev/doc/devel/release.
var goReleases = []string{
	"2021-02-16", "2021-08-16", "2022-03-15", "2022-08-02", "2023-02-01", "2023-08-08", // 1.16 to 1.21
	"2024-02-06", "2024-08-13", "2025-02-11", "2025-08-12", "2026-02-10", "2026-08-18", // 1.22 to 1.27
}

// oldestSupported is the oldest release of Go that has security fixes on a day, "go1.26"; "" if that is not known.
func oldestSupported(now time.Time) string {
	if now.IsZero() {
		return ""
	}
	day, newest := now.UTC().Format(time.DateOnly), 0
	for i, d := range goReleases {
		if d <= day {
			newest = 16 + i
		}
	}
	if newest < 17 {
		return ""
	}
	return fmt.Sprintf("go1.%d", newest-1)
}

// builder is the image of the build stage and why it is that one.
func (g *generator) builder() (image, because string) {
	if g.Builder != "" {
		return g.Builder, ""
	}
	wanted, because := "", ""
	if g.Module != nil && g.Module.Go != "" {
		wanted, because = "go"+g.Module.Go, "go.mod wants Go "+g.Module.Go
	}
	if g.Module != nil && goversion.Compare(g.Module.Toolchain, wanted) > 0 {
		wanted, because = g.Module.Toolchain, "go.mod names the toolchain "+g.Module.Toolchain
	}
	if g.Module != nil && g.Module.Work != nil && goversion.Compare("go"+g.Module.Work.Go, wanted) > 0 {
		wanted, because = "go"+g.Module.Work.Go, "go.work wants Go "+g.Module.Work.Go
	}
	if oldest := oldestSupported(g.Now); goversion.Compare(oldest, wanted) > 0 {
		because = strings.TrimPrefix(because+", and ", ", and ") + "Go " + oldest[2:] + " is the oldest release with security fixes"
		wanted = oldest
	}
	if wanted == "" {
		wanted = "go1.26"
	}
	tag := strings.TrimPrefix(goversion.Lang(wanted), "go")
	if strings.Contains(wanted, "rc") || strings.Contains(wanted, "beta") {
		tag = wanted[2:]
	}
	if g.linking.libc == binary.Glibc && g.Main != nil {
		tag += "-trixie" // the Debian of the final base
		if g.base == oldBase {
			tag = strings.TrimSuffix(tag, "trixie") + "bookworm"
		}
	}
	return "golang:" + tag, because
}
