package layers

import (
	"context"
	"errors"
)

// Options of Read. The zero value means what each field says of its own.
type Options struct {
	// Platform wanted of an index, "os/arch[/variant]"; "" means linux/amd64 if the index has it, else its only
	// Linux platform; several without amd64 are an error that lists them.
	Platform string
	// BaseDiffIDs are the diffIDs of the base image, if the caller knows it; as many of the image's first layers as agree
	// with them are marked Base.
	BaseDiffIDs []string
	// Progress, if set, is called for each layer read, one call at a time.
	Progress func(layer Layer, total int)
	// Insecure allows plain http and unverified TLS; loopback registries are always tried over http too.
	Insecure bool
}

// Kind is a kind of image source, the prefix a user may write.
type Kind string

// The kinds.
const (
	Registry      Kind = "registry"
	OCILayout     Kind = "oci"
	OCIArchive    Kind = "oci-archive"
	DockerArchive Kind = "docker-archive"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound = errors.New("not found")             // no such image, file, tag or digest
	ErrPlatform = errors.New("no such platform")      // an index without the wanted platform; the text lists what it has
	ErrDigest   = errors.New("digest does not match") // a manifest, config, blob or diffID that lies
	ErrNotImage = errors.New("not an image")          // a file or directory that is none of the kinds
)

// Read reads one image. name is without the kind's prefix: "host/repo:tag@digest", or "PATH[:tag|@digest]".
//
// It fails only when manifest or config cannot be read: a broken layer gives an Image whose Unread says so and whose
// FS is nil. The context bounds the reading. Nothing is written to disk and no connection is kept for long: files that
// were not kept in memory are read from their layer again when FS is asked for them, after Read and without its context.
func Read(ctx context.Context, kind Kind, name string, opt Options) (*Image, error) {
	return read(ctx, kind, name, opt)
}

// Detect says which kind of image the file or directory at path is: an OCI layout, an oci-archive or a
// docker-archive, by content. ErrNotImage if none.
func Detect(path string) (Kind, error) { return detect(path) }
