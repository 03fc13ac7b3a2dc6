// Command demo is `make run`: it builds the small service of testdata/demo with the local Go toolchain, puts it into
// an OCI layout as BuildKit would have done from the Dockerfile beside it, and audits both. It needs no registry, no
// daemon and no root.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	source = "testdata/demo"
	work   = ".cache/demo"
)

func main() {
	if err := demo(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// demo runs in the root of the project.
func demo(stdout io.Writer) error {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("making the work directory: %w", err)
	}
	program, err := filepath.Abs(filepath.Join(work, "rates"))
	if err != nil {
		return fmt.Errorf("finding the work directory: %w", err)
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building %s: %w", source, err)
	}
	layout := filepath.Join(work, "image")
	if err := writeImage(layout, program); err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	args := []string{"check", "oci:" + layout, "--dockerfile", source + "/Dockerfile"}
	fmt.Fprintf(stdout, "$ imgaudit check oci:%s --dockerfile %s/Dockerfile\n", layout, source)
	check := exec.Command("go", append([]string{"run", "./cmd/imgaudit"}, args...)...)
	check.Stdout, check.Stderr = stdout, io.Discard // go run reports the exit code that is expected here
	var failed *exec.ExitError
	if err := check.Run(); err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("running imgaudit: %w", err)
	}
	return nil
}
