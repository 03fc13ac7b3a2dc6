package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// workingMark begins the secret that marks the working containers of a proof.
func workingMark(name string) string { return "id=" + name + "," }

// maxState bounds what buildah notes of a working container, in bytes.
const maxState = 4 << 20

// removeWorking removes the working containers that builds of proofs left behind: neither podman nor buildah removes
// them when it is ended, and they carry no label. What buildah notes of one, in a file of the engine's own storage, has the
// options of its build. Source: containers/buildah, buildah.go, Builder.Save and stateFile.
func (e *Engine) removeWorking(dir string, names map[string]bool) (gone []string, failed error) {
	root, err := e.graphRoot(dir)
	if err != nil {
		return nil, err
	}
	states, err := filepath.Glob(filepath.Join(root, "*-containers", "*", "userdata", "buildah.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for working containers: %w", err)
	}
	for _, file := range states {
		if !mentions(file, names) {
			continue
		}
		id := filepath.Base(filepath.Dir(filepath.Dir(file)))
		args := []string{"rm", id}
		if e.Kind == Podman {
			args = []string{"rm", "--force", id}
		}
		if _, err := e.tidy(dir, args...); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, fmt.Sprintf("%s working container %s", e.Kind, id[:min(12, len(id))]))
	}
	return gone, failed
}

// graphRoot is the directory of an engine's storage.
func (e *Engine) graphRoot(dir string) (string, error) {
	args := []string{"info"}
	if e.Kind == Podman {
		args = append(args, "--format", "json")
	}
	out, err := e.tidy(dir, args...)
	if err != nil {
		return "", err
	}
	var info struct{ Store struct{ GraphRoot string } }
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		return "", fmt.Errorf("asking %s for its storage: %w", e.Kind, err)
	}
	return info.Store.GraphRoot, nil
}

// mentions reports whether a file has the mark of one of the proofs.
func mentions(file string, names map[string]bool) bool {
	f, err := os.Open(file)
	if err != nil {
		return false // gone meanwhile
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState))
	for name := range names {
		if err == nil && bytes.Contains(data, []byte(workingMark(name))) {
			return true
		}
	}
	return false
}
