package layers

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// saved is one image in the manifest.json of docker save.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// dockerLayer is the media type of an uncompressed layer; a docker-archive writes none down.
const dockerLayer = "application/vnd.docker.image.rootfs.diff.tar"

// findInDockerArchive finds the image with a tag, or the only or first one, in a tar of docker save.
func findInDockerArchive(ctx context.Context, file, tag string) (*found, error) {
	a, err := openArchive(ctx, file)
	if err != nil {
		return nil, err
	}
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
		f.layers = append(f.layers, a.saved(name))
	}
	return f, nil
}

// saved describes a layer by its name in the archive.
func (a *archive) saved(name string) stored {
	s := stored{descriptor: descriptor{MediaType: dockerLayer, Size: -1}}
	b, ok := a.member(name)
	if !ok {
		s.blob = missingBlob{name}
		return s
	}
	s.blob, s.Size = b, b.size
	s.Digest = promisedBy(name)
	return s
}

var hexInName = regexp.MustCompile(`^(?:sha256:)?([a-f0-9]{64})(?:\.json)?$`)

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

// chooseSaved picks an image by tag ("1.2"), name ("app:1.2") or config digest, or the first one.
func chooseSaved(list []saved, tag string) (*saved, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: manifest.json lists no image", ErrNotFound)
	}
	if tag == "" {
		return &list[0], nil
	}
	var names []string
	for i := range list {
		if digestInName(list[i].Config) == tag { // the image's ID
			return &list[i], nil
		}
		for _, name := range list[i].RepoTags {
			if name == tag || strings.HasSuffix(name, ":"+tag) || strings.HasSuffix(name, "/"+tag) {
				return &list[i], nil
			}
			names = append(names, printable(name))
		}
	}
	return nil, fmt.Errorf("%w: %s, there is %s", ErrNotFound, printable(tag), enumerate(names))
}
