package layers

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// Options of Read. The zero value means what each field says of its own.
type Options struct {
	// Platform wanted of an index, "os/arch[/variant]"; "" means linux/amd64 if the index has it, else its only
	// Linux platform; several without amd64 are an error that lists them. AllPlatforms means every image (see Images).
	Platform string
	// BaseDiffIDs are the diffIDs of the base image, if the caller knows it; as many of the image's first layers as agree
	// with them are marked Base.
	BaseDiffIDs []string
	// Progress, if set, is told what is going on, one call at a time.
	Progress func(Progress)
	// Cache, if set, has what was read of layers before, and is given what is read of others. What it has is never
	// looked at again: an image of a registry whose layers and config it has all is read by asking what its tag names.
	Cache *cache.Store
	// InsecureRegistries are the hosts, each with its port or for all ports, that may be spoken to over plain http and
	// with unverified TLS. Loopback hosts are always tried over http too; registries.conf can name more.
	InsecureRegistries []string
	// CAFiles are PEM files of authorities that are believed beside the system's.
	CAFiles []string
	// Offline refuses whatever needs the network: engines behind TCP, and registries, but for an image that is named by
	// digest and that the cache has.
	Offline bool
	// ConfigOnly leaves the layers alone: the image has no FS.
	ConfigOnly bool
	// Stream is where the kind Stream is read from.
	Stream io.Reader

	patience patience // with registries; zero means usualPatience
}

// Kind is a kind of image source, the prefix a user may write.
type Kind string

// The kinds.
const (
	Registry      Kind = "registry"
	OCILayout     Kind = "oci"
	OCIArchive    Kind = "oci-archive"
	DockerArchive Kind = "docker-archive"
	Docker        Kind = "docker" // the daemon over its socket
	Podman        Kind = "podman"
	Stream        Kind = "stream" // Options.Stream: an oci-archive or docker-archive, which Image.Source then says
)

// AllPlatforms as Options.Platform is every image of an index.
const AllPlatforms = "all"

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound = errors.New("not found")             // no such image, file, tag or digest
	ErrPlatform = errors.New("no such platform")      // an index without the wanted platform; the text lists what it has
	ErrDigest   = errors.New("digest does not match") // a manifest, config, blob or diffID that lies
	ErrNotImage = errors.New("not an image")          // a file or directory that is none of the kinds
)

// Read reads one image. name is without the kind's prefix: "host/repo:tag@digest", "PATH[:tag|@digest]", or an engine's
// name or ID; a Stream's name only stands in messages and in Image.Ref.
//
// It fails only when manifest or config cannot be read: a broken layer gives an Image whose Unread says so and whose
// FS is nil. The context bounds the reading. Nothing is written to disk but facts into Options.Cache, and no connection is kept for long: files that
// were not kept in memory are read from their layer again when FS is asked for them, after Read and without its context.
//
// What came from a Stream cannot be read again: a file that was too big to be kept opens with a *GoneError.
func Read(ctx context.Context, kind Kind, name string, opt Options) (*Image, error) {
	return read(ctx, kind, name, opt)
}

// Images reads what Read reads; with AllPlatforms each image of an index, one after the other in the index's order. An
// image that cannot be read is an error in its place and hides no other.
func Images(ctx context.Context, kind Kind, name string, opt Options) iter.Seq2[*Image, error] {
	return images(ctx, kind, name, opt)
}

// Detect says which kind of image the file or directory at path is: an OCI layout, an oci-archive or a
// docker-archive, by content. ErrNotImage if none.
func Detect(path string) (Kind, error) { return detect(path) }
