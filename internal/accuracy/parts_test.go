package accuracy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// parts are files that some cells add to an image: they are compiled, or this machine's.
type parts struct {
	newer   string        // a library to link with, of a glibc that there is not yet
	company layers.File   // a source of names for glibc
	cxx     []layers.File // the C++ library and what it needs beside libc
}

// libraries is where Debian's glibc looks first.
const libraries = "usr/lib/x86_64-linux-gnu/"

// makeParts compiles the parts into a directory. It needs gcc and g++, which internal/ci/install.sh installs.
func makeParts(ctx context.Context, dir string) (p parts, err error) {
	p.newer = filepath.Join(dir, "newer.so")
	company := filepath.Join(dir, "company.so")
	for _, args := range [][]string{
		{"-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libm.so.6", "-Wl,--version-script=testdata/newer.map", "-o", p.newer, "testdata/newer.c"},
		{"-shared", "-fPIC", "-O1", "-s", "-o", company, "testdata/company.c"},
	} {
		if out, err := exec.CommandContext(ctx, "gcc", args...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("compiling %s: %w\n%s", args[len(args)-1], err, out)
		}
	}
	if p.company, err = library("libnss_company.so.2", company); err != nil {
		return p, err
	}
	for _, name := range []string{"libstdc++.so.6", "libgcc_s.so.1"} {
		out, err := exec.CommandContext(ctx, "g++", "-print-file-name="+name).Output()
		if err != nil {
			return p, fmt.Errorf("looking for %s: %w", name, err)
		}
		f, err := library(name, strings.TrimSpace(string(out)))
		if err != nil {
			return p, err
		}
		p.cxx = append(p.cxx, f)
	}
	return p, nil
}

// library reads a file as an image's shared library.
func library(name, from string) (layers.File, error) {
	data, err := os.ReadFile(from)
	return layers.File{Path: libraries + name, Mode: 0o755, Data: data}, err
}

// linked is what the C linker takes beside what Go tells it.
func (p parts) linked(variant string) string {
	if variant == "newer glibc" {
		return p.newer
	}
	return ""
}
