package layers

import "fmt"

// Bounds on what an image may ask of us. An image beyond one of them is refused with an error that names the bound;
// it is never read in part and called whole.
const (
	maxManifest  = 4 << 20  // bytes of a manifest or index; the floor registries must take (OCI distribution-spec)
	maxConfig    = 8 << 20  // bytes of an image configuration
	maxLayers    = 1000     // layers of one image
	maxEntries   = 5 << 20  // tar entries of one layer
	maxPath      = 4096     // bytes of a path or link target: PATH_MAX of Linux
	maxImageSize = 32 << 30 // uncompressed bytes of all layers together
	maxDepth     = 4        // nested indexes
	maxListed    = 4096     // manifests listed by one index
	maxArchive   = 1 << 20  // entries of the outer tar of an archive
	maxHops      = 40       // symlinks followed for one path: MAXSYMLINKS of Linux
	maxWindow    = 128 << 20
	maxReadFile  = 1 << 30 // bytes of one file that must be held in memory to be read
)

// limitError says which bound was passed.
func limitError(what string, limit int64, unit string) error {
	return fmt.Errorf("%s: more than the limit of %d %s", what, limit, unit)
}
