package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildKit is the directory of BuildKit's daemon and client, made by internal/ci/buildkit.sh: with CI=true it is made if it is
// not there.
func BuildKit() (string, error) {
	return programsOf("bin", "bin/buildkit.pinned", "buildkit.sh", "--install")
}

// programsOf is a directory of what a script of internal/ci has made in its working directory, with a file that is there then. With
// CI=true the script is run if it is not.
func programsOf(dir, file, script string, args ...string) (string, error) {
	work, ok := os.LookupEnv("IMGAUDIT_CI_DIR")
	if !ok {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		work = filepath.Join(cache, "imgaudit-ci")
	}
	dir = filepath.Join(work, dir)
	if _, err := os.Stat(filepath.Join(work, file)); err == nil {
		return dir, nil
	}
	if os.Getenv("CI") != "true" {
		return "", fmt.Errorf("nothing in %s: internal/ci/%s makes it", dir, script)
	}
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", script, err)
	}
	if len(args) == 0 {
		args = []string{work}
	}
	cmd := exec.Command(filepath.Join(root, "internal/ci", script), args...)
	cmd.Env = append(os.Environ(), "IMGAUDIT_CI_DIR="+work)
	cmd.Stderr = os.Stderr
	if _, err := cmd.Output(); err != nil {
		return "", fmt.Errorf("running %s: %w", script, err)
	}
	return dir, nil
}
