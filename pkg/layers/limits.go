package layers

import "fmt"

// Bounds on what an image may ask of us. An image beyond one of them is refused with an error that names the bound;
// it is never read in part and called whole.
const (
	maxManifest  = 4 << 20   // bytes of a manifest or index; the floor registries must take (OCI distribution-spec)
	maxConfig    = 8 << 20   // bytes of an image configuration
	maxSettings  = 4 << 20   // bytes of a file of settings, credentials or certificates
	maxLayers    = 1000      // layers of one image
	maxEntries   = 5 << 20   // tar entries of one layer
	maxPath      = 4096      // bytes of a path or link target: PATH_MAX of Linux
	maxXattrs    = 128 << 10 // bytes of the extended attributes of an entry; Linux takes 64 KiB for one: XATTR_SIZE_MAX
	maxImageSize = 32 << 30  // uncompressed bytes of all layers together
	maxDepth     = 4         // nested indexes
	maxListed    = 4096      // manifests listed by one index
	maxArchive   = 1 << 20   // entries of the outer tar of an archive
	maxHops      = 40        // symlinks followed for one path: MAXSYMLINKS of Linux
	maxWindow    = 128 << 20 // bytes that a zstd frame may ask for: zstd --ultra -22
	usualWindow  = 8 << 20   // the same for layers that are read beside others: zstd -19
	maxReadFile  = 128 << 20 // bytes of one file of a compressed layer, which must be held in memory to be read
	maxMemory    = 200 << 20 // bytes of memory for entries and contents, as budget.go counts them
	maxMade      = 1 << 17   // directories that no layer mentions
	maxDeleted   = 1 << 19   // paths that layers take away
	bombSize     = 4 << 30   // uncompressed bytes of a layer from which on maxRatio is looked at
	maxRatio     = 200       // uncompressed bytes for each byte stored
)

// limitError says which bound was passed.
func limitError(what string, limit int64, unit string) error {
	return fmt.Errorf("%s: more than the limit of %d %s", what, limit, unit)
}
