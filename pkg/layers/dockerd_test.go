package layers_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestDockerDaemon reads an image from a real docker daemon, by each of its names: its layers, whiteouts and all, are those
// of the archive that the daemon was given, and a file that was not kept is read later.
func TestDockerDaemon(t *testing.T) {
	lab.Docker(t)
	host := os.Getenv("DOCKER_HOST")
	noSettings(t)
	t.Setenv("DOCKER_HOST", host)
	img := app() // overlayfs unpacks each layer by itself: a hard link is to a file of its own layer
	img.Layers[1], img.Layers[2] = append(img.Layers[1], img.Layers[2][0]), img.Layers[2][1:]
	img.Layers[2][0].Caps = false // the kernel takes no capabilities but well-formed ones
	old := filepath.Join(t.TempDir(), "old.tar")
	imagetest.WriteOldDockerArchive(t, old, []string{"example.test/app:1.0"}, img.Build(t))
	want, err := layers.Read(t.Context(), layers.DockerArchive, old, layers.Options{})
	check(t, err)
	if out, err := exec.Command("docker", "load", "--input", old).CombinedOutput(); err != nil {
		t.Fatalf("docker load: %v\n%s", err, out)
	}
	id, err := exec.Command("docker", "images", "--quiet", "--no-trunc").Output()
	check(t, err)
	for _, name := range []string{"example.test/app:1.0", strings.TrimSpace(string(id)), strings.TrimPrefix(strings.TrimSpace(string(id)), "sha256:")[:12]} {
		got, err := layers.Read(t.Context(), layers.Docker, name, layers.Options{Offline: true})
		check(t, err)
		if got.FS == nil {
			t.Fatalf("%s: %v", name, got.Unread)
		}
		if a, b := listing(t, got.FS), listing(t, want.FS); a != b {
			t.Errorf("%s: tree\n%.2000s\nwant\n%.2000s", name, a, b)
		}
		if !reflect.DeepEqual(got.Config, want.Config) || !reflect.DeepEqual(got.History, want.History) {
			t.Errorf("%s: config %+v history %+v, want %+v %+v", name, got.Config, got.History, want.Config, want.History)
		}
		for i, l := range got.Layers {
			if l.DiffID != want.Layers[i].DiffID || l.TarSize != want.Layers[i].TarSize {
				t.Errorf("%s: layer %+v, want %+v", name, l, want.Layers[i])
			}
		}
		if big, err := got.FS.ReadFile("big"); err != nil || len(big) != 800_000 {
			t.Errorf("%s: a big file: %d bytes, %v", name, len(big), err)
		}
	}
	exported, _, _ := exports(t, layers.Docker, "example.test/app:1.0", layers.Options{})
	if again, _, _ := exports(t, layers.DockerArchive, old, layers.Options{}); again != exported {
		t.Errorf("exported as %s, its archive as %s", exported, again)
	}
	_, err = layers.Read(t.Context(), layers.Docker, "nope:1", layers.Options{})
	if !errors.Is(err, layers.ErrNotFound) || !strings.Contains(err.Error(), "No such image: nope:1") {
		t.Errorf("%v, want an error that there is no such image", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = layers.Read(ended, layers.Docker, "example.test/app:1.0", layers.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
}
