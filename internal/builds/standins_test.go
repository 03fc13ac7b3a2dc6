package builds

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// standIns says which image names of the cases an image of testdata/standins stands for: the first that matches.
var standIns = []struct {
	names *regexp.Regexp
	stage string
}{
	{regexp.MustCompile(`(^|/)golang(:[^@]*)?-?alpine`), "golang-alpine"},
	{regexp.MustCompile(`(^|/)golang([:@]|$)`), "golang"},
	{regexp.MustCompile(`(^|/)alpine([:@]|$)`), "alpine"},
	{regexp.MustCompile(`(^|/)(debian|ubuntu)([:@]|$)`), "debian"},
	{regexp.MustCompile(`(^|/)busybox([:@]|$)`), "busybox"},
	{regexp.MustCompile(`distroless/static[^:@]*:nonroot`), "static-nonroot"},
	{regexp.MustCompile(`distroless/static`), "static"},
	{regexp.MustCompile(`distroless/base[^:@]*:nonroot`), "base-nonroot"},
	{regexp.MustCompile(`distroless/base`), "base"},
	{regexp.MustCompile(`(^|\.|/)example(\.com)?(:\d+)?/`), "golang"}, // an image that nobody knows
}

// standIn gives the stage that stands for an image, "" if there is none.
func standIn(image string) string {
	for _, s := range standIns {
		if s.names.MatchString(image) {
			return s.stage
		}
	}
	return ""
}

// makeStandIns builds and pushes every stage of testdata/standins under a tag made of what they are made of.
func (l *lab) makeStandIns() error {
	goVersion, err := output("go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	minor := regexp.MustCompile(`\d+\.\d+`).FindString(goVersion)
	sum := sha256.New()
	if recipe, err := os.ReadFile(l.work + "/recipe"); err == nil {
		sum.Write(recipe)
	}
	dir := os.DirFS("testdata/standins")
	for _, name := range []string{"Dockerfile", "adduser", "package-manager", "warm.go"} {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		sum.Write(data)
	}
	tag := fmt.Sprintf("%x", sum.Sum(nil)[:6])
	l.images = map[string]string{}
	for _, s := range standIns {
		ref := fmt.Sprintf("%s/standin/%s:%s", l.registry, s.stage, tag)
		l.images[s.stage] = ref
		made := command("curl", "-fsI", "-o", "/dev/null", "-H", "Accept: application/vnd.oci.image.manifest.v1+json",
			fmt.Sprintf("http://%s/v2/standin/%s/manifests/%s", l.registry, s.stage, tag))
		if made.Run() == nil {
			continue
		}
		cmd := l.buildctl("build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=testdata/standins", "--local", "dockerfile=testdata/standins",
			"--opt", "build-arg:REGISTRY="+l.registry, "--opt", "build-arg:GO="+minor, "--opt", "target="+s.stage,
			"--output", "type=image,name="+ref+",push=true,registry.insecure=true,compression=uncompressed,oci-mediatypes=true")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("making the stand-in %s: %w\n%s", s.stage, err, tail(string(out), 20))
		}
	}
	return nil
}

// contexts gives the named contexts that put the stand-ins in the place of the images that a Dockerfile names.
// Source: github.com/moby/buildkit, frontend/dockerui/namedcontext.go: a context's name is the familiar name of the image
// without ":latest".
func (l *lab) contexts(f *dockerfile.File) (opts []string, unknown []string) {
	seen := map[string]bool{}
	for _, image := range images(f) {
		if seen[image] {
			continue
		}
		seen[image] = true
		stage := standIn(image)
		if stage == "" {
			if !strings.HasPrefix(image, l.registry+"/") {
				unknown = append(unknown, image)
			}
			continue
		}
		name := strings.TrimSuffix(image, ":latest")
		opts = append(opts, "--opt", "context:"+name+"=docker-image://"+l.images[stage])
	}
	return opts, unknown
}

// images lists the images that a Dockerfile names in FROM, COPY --from and mounts.
func images(f *dockerfile.File) []string {
	names := map[string]bool{}
	for _, s := range f.Stages {
		names[s.Name] = true
	}
	var out []string
	for _, s := range f.Stages {
		if s.Parent == nil && !s.Scratch() {
			out = append(out, s.Base)
		}
		for _, in := range s.Instructions {
			if in.Copy != nil && in.Copy.FromImage != "" {
				out = append(out, in.Copy.FromImage)
			}
			if in.Run == nil {
				continue
			}
			for _, m := range in.Run.Mounts {
				if m.From != "" && !names[strings.ToLower(m.From)] && strings.Trim(m.From, "0123456789") != "" {
					out = append(out, m.From)
				}
			}
		}
	}
	return out
}
