package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// saved is one image in the manifest.json of docker save.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// dockerLayer is the media type of an uncompressed layer; a docker-archive writes none down.
const dockerLayer = "application/vnd.docker.image.rootfs.diff.tar"

// members is an archive by the names of what is in it.
type members interface {
	// read returns a document of at most limit bytes.
	read(name string, limit int64) ([]byte, error)
	// layer returns a member as a layer, and its size, -1 if it is not known.
	layer(name string) (blob, int64)
}

// findSaved finds the image with a tag, or the only one, in what docker save wrote.
func findSaved(a members, tag string) ([]*found, error) {
	data, err := a.read("manifest.json", maxManifest)
	if err != nil {
		return nil, err
	}
	var list []saved
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	image, err := chooseSaved(list, tag)
	if err != nil {
		return nil, err
	}
	if len(image.Layers) > maxLayers {
		return nil, limitError("manifest.json", maxLayers, "layers")
	}
	config, err := a.read(image.Config, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	f := &found{digest: digestOf(config), config: config}
	if promised := promisedBy(image.Config); promised != "" {
		if err := verify(f.digest, promised); err != nil {
			return nil, fmt.Errorf("config %s: %w", printable(image.Config), err)
		}
	}
	for _, name := range image.Layers {
		s := stored{descriptor: descriptor{MediaType: dockerLayer, Digest: promisedBy(name)}}
		if s.blob, s.Size = a.layer(name); s.Size < 0 {
			s.Digest = ""
		}
		f.layers = append(f.layers, s)
	}
	return []*found{f}, nil
}

var hexInName = lazyregexp.New(`^(?:sha256:)?([a-f0-9]{64})(?:\.json)?$`)

// promisedBy is the digest that a member must have: only blobs are named by what they hold, elsewhere a name is just
// a name, and docker load takes any.
func promisedBy(name string) string {
	if !strings.HasPrefix(path.Clean("/"+name), "/blobs/sha256/") {
		return ""
	}
	return digestInName(name)
}

// digestInName is the digest in a member's name, "" if there is none.
func digestInName(name string) string {
	if m := hexInName.FindStringSubmatch(path.Base(name)); m != nil {
		return "sha256:" + m[1]
	}
	return ""
}

// errSeveral is a source of several images of which none was chosen.
var errSeveral = errors.New("several images")

// chooseSaved picks an image by tag ("1.2"), name ("app:1.2") or config digest, or the only one.
func chooseSaved(list []saved, tag string) (*saved, error) {
	var names []string
	same := true // a list may name one image twice
	for i := range list {
		if tag != "" && digestInName(list[i].Config) == tag { // the image's ID
			return &list[i], nil
		}
		for _, name := range list[i].RepoTags {
			if tag != "" && (name == tag || strings.HasSuffix(name, ":"+tag) || strings.HasSuffix(name, "/"+tag)) {
				return &list[i], nil
			}
			names = append(names, printable(name))
		}
		if len(list[i].RepoTags) == 0 {
			names = append(names, printable(digestInName(list[i].Config)))
		}
		same = same && list[i].Config == list[0].Config
	}
	switch {
	case len(list) == 0:
		return nil, fmt.Errorf("%w: manifest.json lists no image", ErrNotFound)
	case tag != "":
		return nil, fmt.Errorf("%w: %s, there is %s", ErrNotFound, printable(tag), enumerate(names))
	case !same:
		return nil, fmt.Errorf("%w: name one of %s", errSeveral, enumerate(names))
	}
	return &list[0], nil
}
