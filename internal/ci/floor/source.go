package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
)

// findRemote lists the layers of http://HOST/REPO:TAG.
func findRemote(from string) ([]layer, error) {
	host, rest, _ := strings.Cut(strings.TrimPrefix(from, "http://"), "/")
	repo, tag, ok := strings.Cut(rest, ":")
	if !ok {
		return nil, fmt.Errorf("%s names no tag", from)
	}
	blob := func(kind, digest string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			return get("http://" + host + "/v2/" + repo + "/" + kind + "/" + digest)
		}
	}
	var l listing
	if err := document(blob("manifests", tag), &l); err != nil {
		return nil, err
	}
	return first(l, blob)
}

func get(url string) (io.ReadCloser, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"vnd.oci.image.index.v1", "vnd.oci.image.manifest.v1", "vnd.docker.distribution.manifest.list.v2", "vnd.docker.distribution.manifest.v2"} {
		req.Header.Add("Accept", "application/"+kind+"+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return resp.Body, nil
}

// findArchive lists the layers of the first image of a docker-archive.
func findArchive(file string) ([]layer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	in := io.NewSectionReader(f, 0, info.Size())
	var images []struct{ Layers []string }
	members := map[string]*io.SectionReader{}
	for tr := tar.NewReader(in); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		at, err := in.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		switch {
		case h.Name == "manifest.json":
			if err := json.NewDecoder(tr).Decode(&images); err != nil {
				return nil, err
			}
		case h.Typeflag == tar.TypeSymlink:
			members[h.Name] = members[path.Join(path.Dir(h.Name), h.Linkname)]
		case h.Typeflag == tar.TypeReg:
			members[h.Name] = io.NewSectionReader(f, at, h.Size)
		}
	}
	if len(images) == 0 {
		return nil, errors.New("no manifest.json")
	}
	var layers []layer
	for _, name := range images[0].Layers {
		r := members[name]
		if r == nil {
			return nil, fmt.Errorf("no layer %s", name)
		}
		layers = append(layers, layer{Size: r.Size(), open: func() (io.ReadCloser, error) {
			return section{io.NewSectionReader(r, 0, r.Size()), io.NopCloser(nil)}, nil
		}})
	}
	return layers, nil
}
