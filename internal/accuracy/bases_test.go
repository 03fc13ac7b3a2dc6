package accuracy

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// base is an image that programs are put on.
type base struct {
	name string
	from string // as a Dockerfile names it; its stand-in is in the registry of internal/ci/base-images.sh
	ref  string // there, "" for scratch

	config layers.Config
	layer  []byte // all its files as one tar
}

var bases = []*base{
	{name: "scratch", from: "scratch"},
	{name: "distroless-static", from: "distroless/static-debian12", ref: "base/static:latest"},
	{name: "distroless-base", from: "distroless/base-debian12", ref: "base/base:latest"},
	{name: "debian-slim", from: "debian:12-slim", ref: "debian:12-slim"},
	{name: "alpine", from: "alpine:3", ref: "alpine:3"},
	{name: "busybox", from: "busybox:1", ref: "busybox:1"},
}

// read reads the base from a registry on loopback.
func (b *base) read(t *testing.T, registry string) error {
	if b.ref == "" {
		return nil
	}
	img, err := layers.Read(t.Context(), layers.Registry, registry+"/"+b.ref, layers.Options{})
	if err != nil {
		return fmt.Errorf("reading the base %s: %w", b.name, err)
	}
	if img.FS == nil {
		return fmt.Errorf("reading the base %s: %s", b.name, img.Unread[0].Because)
	}
	var files []layers.File
	err = img.FS.Walk(func(e *layers.Entry) error {
		f := layers.File{Path: e.Path, Mode: e.Mode, UID: e.UID, GID: e.GID, Link: e.Link}
		switch {
		case e.Path == "/":
			return nil
		case e.Mode.IsRegular():
			data, err := img.FS.ReadFile(e.Path[1:])
			if err != nil {
				return err
			}
			f.Data = data
		case e.Mode.IsDir(), e.Mode&fs.ModeSymlink != 0:
		default:
			return nil
		}
		f.Path = e.Path[1:]
		files = append(files, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the base %s: %w", b.name, err)
	}
	b.config = img.Config
	b.config.Cmd = nil
	b.layer = imagetest.Tar(t, files)
	return nil
}

// users are the numbers that the images run as: root and another.
var users = []string{"0", "65532"}
