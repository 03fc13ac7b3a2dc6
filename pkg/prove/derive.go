package prove

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// change is what a fault does to an image: it stands in one more layer and in the config, so that what is audited and what
// is run are the same bytes.
type change struct {
	Remove []string // rooted paths, each with all that is below it
	Add    []addition
	User   string   // "" keeps the image's
	Env    []string // "K=V"
	Cmd    []string // nil keeps the image's
	Signal string   // STOPSIGNAL, "" keeps the image's
}

// addition is a file of root's.
type addition struct {
	Path string
	Mode fs.FileMode
	Data []byte
}

// derive writes a changed copy of an archive in OCI layout that has one image. Source: OCI image-spec layer.md (whiteouts),
// config.md, image-layout.md.
func derive(from, to string, c change) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("changing an image: %w", err)
	}
	defer in.Close()
	img, err := readLayout(in)
	if err != nil {
		return fmt.Errorf("changing an image: %w", err)
	}
	img.name = imageName(to)
	if err := img.apply(c); err != nil {
		return fmt.Errorf("changing an image: %w", err)
	}
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("changing an image: %w", err)
	}
	defer out.Close()
	if err := img.write(in, out); err != nil {
		return fmt.Errorf("changing an image: %w", err)
	}
	return out.Close()
}

// layout is an archive whose layers are left where they are.
type layout struct {
	index, manifest, config object
	name                    string            // by which an engine keeps it
	replaced                map[string]bool   // blobs that are not copied
	blobs                   map[string][]byte // new ones by digest
}

// descriptor is the part of an OCI descriptor that is followed.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// maxJSON bounds the index, a manifest and a config, in bytes.
const maxJSON = 4 << 20

// readLayout reads index.json and what it leads to.
func readLayout(in io.ReadSeeker) (*layout, error) {
	l := &layout{replaced: map[string]bool{}, blobs: map[string][]byte{}}
	read := func(name string, to *object) error {
		data, err := member(in, name)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, to)
	}
	if err := read("index.json", &l.index); err != nil {
		return nil, err
	}
	next, err := descriptors(l.index["manifests"])
	if err != nil || len(next) == 0 {
		return nil, errors.New("the index has no image")
	}
	for depth := 0; depth < 3; depth++ {
		l.replaced[next[0].Digest] = true
		l.manifest = nil
		if err := read(blobName(next[0].Digest), &l.manifest); err != nil {
			return nil, err
		}
		if l.manifest["layers"] != nil {
			break
		}
		if next, err = descriptors(l.manifest["manifests"]); err != nil || len(next) == 0 {
			return nil, errors.New("the index has no image")
		}
	}
	config, err := descriptors([]any{l.manifest["config"]})
	if err != nil || len(config) != 1 {
		return nil, errors.New("the manifest has no config")
	}
	l.replaced[config[0].Digest] = true
	return l, read(blobName(config[0].Digest), &l.config)
}

// descriptors turns a part of decoded JSON into descriptors.
func descriptors(v any) (all []descriptor, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(data, &all)
}

func blobName(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// member reads a small file of a tar.
func member(in io.ReadSeeker, name string) ([]byte, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", name, err)
		}
		if path.Clean(h.Name) == name {
			return io.ReadAll(io.LimitReader(r, maxJSON))
		}
	}
}

// apply adds the layer and changes the config.
func (l *layout) apply(c change) error {
	config, _ := l.config["config"].(object)
	if config == nil {
		config = object{}
	}
	l.config["config"] = config
	if c.User != "" {
		config["User"] = c.User
	}
	if c.Cmd != nil {
		config["Cmd"] = c.Cmd
	}
	if c.Signal != "" {
		config["StopSignal"] = c.Signal
	}
	if len(c.Env) > 0 {
		env, _ := config["Env"].([]any)
		for _, kv := range c.Env {
			env = append(env, kv)
		}
		config["Env"] = env
	}
	if len(c.Remove)+len(c.Add) > 0 {
		layer, err := c.layer()
		if err != nil {
			return err
		}
		d := l.add(layer, "application/vnd.oci.image.layer.v1.tar")
		layers, _ := l.manifest["layers"].([]any)
		l.manifest["layers"] = append(layers, d)
		rootfs, _ := l.config["rootfs"].(object)
		if rootfs == nil {
			return errors.New("the config has no rootfs")
		}
		diffs, _ := rootfs["diff_ids"].([]any)
		rootfs["diff_ids"] = append(diffs, d["digest"])
		history, _ := l.config["history"].([]any)
		l.config["history"] = append(history, object{"created_by": "imgaudit prove"})
	}
	return l.seal()
}

// seal makes config, manifest and index anew, each naming the one below.
func (l *layout) seal() error {
	config, err := json.Marshal(l.config)
	if err != nil {
		return err
	}
	l.manifest["config"] = l.add(config, "application/vnd.oci.image.config.v1+json")
	l.manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
	layers, _ := l.manifest["layers"].([]any)
	for _, one := range layers { // engines refuse Docker's media types beside the OCI's
		if d, ok := one.(object); ok {
			if kind, _ := d["mediaType"].(string); strings.HasPrefix(kind, dockerLayer) {
				d["mediaType"] = "application/vnd.oci.image.layer.v1.tar" + strings.Replace(strings.TrimPrefix(kind, dockerLayer), ".", "+", 1)
			}
		}
	}
	manifest, err := json.Marshal(l.manifest)
	if err != nil {
		return err
	}
	d := l.add(manifest, "application/vnd.oci.image.manifest.v1+json")
	d["annotations"] = object{"org.opencontainers.image.ref.name": l.name}
	l.index["manifests"] = []any{d}
	return nil
}

// dockerLayer begins the media types of Docker's layers: ".gzip" or nothing follows. Source: Docker's "image manifest v2,
// schema 2".
const dockerLayer = "application/vnd.docker.image.rootfs.diff.tar"

func (l *layout) add(blob []byte, mediaType string) object {
	sum := sha256.Sum256(blob)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	l.blobs[digest] = blob
	return object{"mediaType": mediaType, "digest": digest, "size": len(blob)}
}

// write copies every member but those that were made anew, and adds the new ones.
func (l *layout) write(in io.ReadSeeker, out io.Writer) error {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := tar.NewWriter(out)
	skip := map[string]bool{"index.json": true, "manifest.json": true}
	for digest := range l.replaced {
		skip[blobName(digest)] = true
	}
	if err := copyMembers(w, in, func(name string) bool { return skip[name] }); err != nil {
		return err
	}
	index, err := json.Marshal(l.index)
	if err != nil {
		return err
	}
	if err := writeMember(w, "index.json", 0o644, index); err != nil {
		return err
	}
	for _, digest := range sorted(l.blobs) {
		if err := writeMember(w, blobName(digest), 0o644, l.blobs[digest]); err != nil {
			return err
		}
	}
	return w.Close()
}

// copyMembers copies the members of a tar but for those with some names.
func copyMembers(w *tar.Writer, in io.Reader, skip func(name string) bool) error {
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if skip(path.Clean(h.Name)) {
			continue
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
}

// layer is the tar of what the change removes and adds.
func (c change) layer() ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range c.Remove {
		dir, name := path.Split(strings.TrimPrefix(path.Clean("/"+p), "/"))
		if err := writeMember(w, dir+".wh."+name, 0, nil); err != nil {
			return nil, err
		}
	}
	for _, a := range c.Add {
		if err := writeMember(w, strings.TrimPrefix(a.Path, "/"), a.Mode, a.Data); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func writeMember(w *tar.Writer, name string, mode fs.FileMode, data []byte) error {
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode), Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
