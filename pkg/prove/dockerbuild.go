package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// The builders of docker.
const (
	buildx     = "buildx"          // the plugin: every feature
	ownBuilder = "BuildKit"        // docker's own, before version 23: no named contexts
	classic    = "classic builder" // what docker had before BuildKit: no secrets, no contexts, no ignore file of a Dockerfile's own
)

// lastWithBuildKit is the last version of docker's client that speaks with BuildKit without the plugin.
// Source: Docker Engine 23.0 release notes.
const lastWithBuildKit = 22

// builder says how docker builds here: with BuildKit if it can, as Dockerfiles are written for, or as DOCKER_BUILDKIT says.
func (e *Engine) builder(ctx context.Context) (string, error) {
	wanted, set := os.LookupEnv("DOCKER_BUILDKIT")
	with, err := strconv.ParseBool(wanted)
	if set && wanted != "" && err != nil {
		return "", fmt.Errorf("DOCKER_BUILDKIT is %q, which is no boolean", wanted)
	}
	if set && err == nil && !with {
		return classic, nil
	}
	if _, err := e.tidy("", "buildx", "version"); err == nil {
		return buildx, nil
	}
	client, err := e.ask(ctx, "", "version", "--format", "{{.Client.Version}}")
	if err != nil {
		return "", err
	}
	major, _, _ := strings.Cut(client, ".")
	switch n, err := strconv.Atoi(major); {
	case err == nil && n <= lastWithBuildKit:
		return ownBuilder, nil
	case with:
		return "", fmt.Errorf("DOCKER_BUILDKIT asks for BuildKit, for which docker %s needs its plugin buildx", client)
	}
	return classic, nil
}

// lacks names what the builder cannot do of what the build asks for, "" for nothing.
func (b Build) lacks(builder string) string {
	switch {
	case builder != buildx && len(b.Contexts) > 0:
		return "named contexts"
	case builder == classic && len(b.Secrets) > 0:
		return "secrets"
	case builder == classic && b.Ignore != nil:
		own, err := os.ReadFile(filepath.Join(b.Context, ".dockerignore"))
		if err != nil || !bytes.Equal(own, b.Ignore) {
			return "an ignore file beside the context's .dockerignore"
		}
	}
	return ""
}

// Unable is the error of a build that asks for more than the engine's builder can do.
type Unable struct {
	Engine *Engine
	Lacks  string
}

func (e *Unable) Error() string {
	return fmt.Sprintf("building with %s: it has no %s", e.Engine, e.Lacks)
}

// Hint says what can.
func (e *Unable) Hint() string {
	return "install docker's plugin buildx (apt-get install docker-buildx or docker-buildx-plugin), or choose another engine with --engine"
}

// runDocker builds with docker, which keeps the image, under a name by which a killed proof's is found, until it was saved. The
// build cache stays: with the classic builder that are images without a name. Source: docs.docker.com, "docker image prune".
func (b Build) runDocker(ctx context.Context, e *Engine, dir, archive string, lines func(string)) (err error) {
	if lacks := b.lacks(e.Builder); lacks != "" {
		return &Unable{e, lacks}
	}
	place, name := filepath.Dir(archive), imageName(archive)
	c := &cli{Engine: e, dir: place}
	defer func() {
		if out, failed := c.tidy(place, "images", "--quiet", name); failed == nil && out != "" {
			err = errors.Join(err, c.removeBuilt(name, b.NoCache))
		}
	}()
	if err := run(ctx, e, place, b.docker(e, dir, name), lines); err != nil {
		return err
	}
	saved := archive + ".saved"
	defer os.Remove(saved)
	if _, err := e.ask(ctx, place, "save", "--output", saved, name); err != nil {
		return fmt.Errorf("saving what was built: %w", err)
	}
	if _, err := layers.Export(ctx, layers.DockerArchive, saved, layers.Options{Platform: b.Platform}, archive); err != nil {
		return fmt.Errorf("reading what was built: %w", err)
	}
	return nil
}

// removeBuilt removes an image; without a cache nothing builds on its steps, which the classic builder keeps as images.
func (c *cli) removeBuilt(name string, steps bool) error {
	if !steps {
		return c.unload(name)
	}
	_, err := c.tidy(c.dir, "rmi", name)
	return err
}

// docker is the argument list of a build whose image docker keeps.
func (b Build) docker(e *Engine, dir, name string) []string {
	var args []string
	switch e.Builder {
	case classic:
		args = []string{"build", "--force-rm"}
	case ownBuilder:
		args = []string{"build", "--progress", "plain"}
	default:
		load := "--load"
		if b.Epoch != "" {
			load = "--output=type=docker,rewrite-timestamp=true"
		}
		args = []string{"buildx", "build", "--progress", "plain", load}
	}
	args = append(args, "--file", filepath.Join(dir, "Dockerfile"), "--tag", name)
	return append(append(args, b.flags()...), b.Context)
}

// builderEnv chooses the builder that was found, whatever the user's settings say. Attestations would be one more image.
func (e *Engine) builderEnv() []string {
	switch e.Builder {
	case classic:
		return []string{"DOCKER_BUILDKIT=0"}
	case "":
		return nil
	}
	return []string{"DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"}
}
