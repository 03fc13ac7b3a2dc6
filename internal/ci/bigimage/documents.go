package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// finish writes config, manifest, index and the archive's documents.
func (img *image) finish() error {
	config := map[string]any{
		"created": "2026-01-01T00:00:00Z", "architecture": "amd64", "os": "linux",
		"config": map[string]any{"User": "65532:65532", "Entrypoint": []string{"/app/server"}, "Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": img.diffIDs},
		"history": img.history,
	}
	c, raw, err := img.put("application/vnd.oci.image.config.v1+json", config)
	if err != nil {
		return err
	}
	m, _, err := img.put("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": c, "layers": img.layers})
	if err != nil {
		return err
	}
	m.Annotations = map[string]string{"org.opencontainers.image.ref.name": "big"}
	if err := img.write("oci/oci-layout", map[string]any{"imageLayoutVersion": "1.0.0"}); err != nil {
		return err
	}
	if err := img.write("oci/index.json", map[string]any{"schemaVersion": 2, "manifests": []descriptor{m}}); err != nil {
		return err
	}
	return img.close(c.Digest[len("sha256:"):]+".json", raw)
}

// close ends the archive with its config and its list of images.
func (img *image) close(configName string, config []byte) error {
	if err := img.member(configName, bytes.NewReader(config), len(config)); err != nil {
		return err
	}
	list, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{"bench/big:latest"}, "Layers": img.names}})
	if err != nil {
		return err
	}
	if err := img.member("manifest.json", bytes.NewReader(list), len(list)); err != nil {
		return err
	}
	if err := img.archive.Close(); err != nil {
		return err
	}
	return img.archiveFile.Close()
}

// put stores a document in the layout.
func (img *image) put(mediaType string, doc any) (descriptor, []byte, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return descriptor{}, nil, err
	}
	sum := sha256.Sum256(raw)
	name := hex.EncodeToString(sum[:])
	err = os.WriteFile(filepath.Join(img.dir, "oci/blobs/sha256", name), raw, 0o644)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: len(raw)}, raw, err
}

func (img *image) write(name string, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(img.dir, name), raw, 0o644)
}
