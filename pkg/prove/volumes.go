package prove

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// volumes are the mounts of an image's volumes, as docker and containerd make them: writable also on a read-only root, with
// what the image has there, else empty and root's. The directories are those of the bundle.
func volumes(img *layers.Image, bundle string) (mounts []object, err error) {
	for i, name := range img.Config.Volumes {
		source := filepath.Join(bundle, fmt.Sprintf("volume-%d", i))
		switch e, err := img.FS.Resolve(name); {
		case err == nil && e.Mode.IsDir() && e.Path != "/":
			source = filepath.Join(bundle, "rootfs", e.Path) // its path has no links
		case err == nil:
			continue // a file: the engines do not agree
		default:
			if err := os.Mkdir(source, 0o755); err != nil {
				return nil, fmt.Errorf("making a volume: %w", err)
			}
		}
		mounts = append(mounts, object{"destination": filepath.Join("/", name), "type": "bind", "source": source, "options": []string{"rbind", "rw"}})
	}
	return mounts, nil
}
