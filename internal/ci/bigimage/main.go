// Command bigimage makes a big image for the benchmarks: an OCI layout and a docker-archive of the same twelve layers,
// the same bytes each time on the same toolchain. In them are many small files, some big ones, a Go toolchain, whiteouts,
// opaque directories, hard links, links that loop or lead out, long names, one file written again and again, a secret
// that a later layer deletes, zeros that compress a thousandfold; gzip, zstd and plain layers.
//
//	bigimage [-mib 2500] [-files 120000] [-whiteouts 2000] [-goroot DIR] DIRECTORY
//	bigimage -tiny 1000000 DIRECTORY
//
// DIRECTORY/oci is the layout (tag "big"), DIRECTORY/big.docker.tar the archive.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// size says how big the image is to be.
type size struct {
	mib, files, whiteouts, tiny int
	goroot                      string
}

func main() {
	var s size
	flag.IntVar(&s.mib, "mib", 2500, "uncompressed MiB, about")
	flag.IntVar(&s.files, "files", 120_000, "small files")
	flag.IntVar(&s.whiteouts, "whiteouts", 2000, "files that a later layer deletes one by one")
	flag.IntVar(&s.tiny, "tiny", 0, "make an image of two layers instead: this many tiny files, and the service")
	flag.StringVar(&s.goroot, "goroot", "", "a Go toolchain to put in; none if empty")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), s); err != nil {
		fmt.Fprintln(os.Stderr, "bigimage:", err)
		os.Exit(1)
	}
}

func run(dir string, s size) error {
	if err := os.MkdirAll(filepath.Join(dir, "oci/blobs/sha256"), 0o755); err != nil {
		return err
	}
	img := image{dir: dir, pool: newPool()}
	for _, l := range s.layers() {
		if err := img.add(l); err != nil {
			return fmt.Errorf("layer %d: %w", len(img.layers), err)
		}
	}
	if err := img.finish(); err != nil {
		return err
	}
	fmt.Printf("%d entries, %d MiB, compressed %d MiB\n", img.entries, img.unpacked>>20, img.packed>>20)
	return nil
}
