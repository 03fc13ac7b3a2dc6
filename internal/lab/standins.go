package lab

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

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
	{regexp.MustCompile(`(^|\.|/)example(\.com)?(:\d+)?/.*alpine`), "golang-alpine"}, // an image that nobody knows
	{regexp.MustCompile(`(^|\.|/)example(\.com)?(:\d+)?/`), "golang"},
}

// StandIn gives the stage that stands for an image, "" if there is none.
func StandIn(image string) string {
	for _, s := range standIns {
		if s.names.MatchString(image) {
			return s.stage
		}
	}
	return ""
}

// standInsAt is the directory of what the stand-ins are made of, seen from a test of a package below internal.
const standInsAt = "../lab/testdata/standins"

// makeStandIns builds and pushes every stage of testdata/standins under a tag made of what they are made of. Of several
// processes at once one makes them, and the others wait and find them.
func (l *Lab) makeStandIns() error {
	lock, err := os.Create(filepath.Join(l.Work, "standins.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("waiting for the stand-ins: %w", err)
	}
	goVersion, err := output("go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	minor := regexp.MustCompile(`\d+\.\d+`).FindString(goVersion)
	sum := sha256.New()
	if recipe, err := os.ReadFile(l.Work + "/recipe"); err == nil {
		sum.Write(recipe)
	}
	dir := os.DirFS(standInsAt)
	for _, name := range []string{"Dockerfile", "adduser", "apk", "apt-get", "warm.go"} {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		sum.Write(data)
	}
	tag := fmt.Sprintf("%x", sum.Sum(nil)[:6])
	l.Images = map[string]string{}
	for _, s := range standIns {
		ref := fmt.Sprintf("%s/standin/%s:%s", l.Registry, s.stage, tag)
		l.Images[s.stage] = ref
		made := exec.Command("curl", "-fsI", "-o", "/dev/null", "-H", "Accept: application/vnd.oci.image.manifest.v1+json",
			fmt.Sprintf("http://%s/v2/standin/%s/manifests/%s", l.Registry, s.stage, tag))
		if made.Run() == nil {
			continue
		}
		cmd := l.Buildctl("build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context="+standInsAt, "--local", "dockerfile="+standInsAt,
			"--opt", "build-arg:REGISTRY="+l.Registry, "--opt", "build-arg:GO="+minor, "--opt", "target="+s.stage,
			"--output", "type=image,name="+ref+",push=true,registry.insecure=true,compression=uncompressed,oci-mediatypes=true")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("making the stand-in %s: %w\n%s", s.stage, err, Tail(string(out), 20))
		}
	}
	return nil
}

// Contexts gives the named contexts that put the stand-ins in the place of the images that a Dockerfile names.
// Source: github.com/moby/buildkit, frontend/dockerui/namedcontext.go: a context's name is the familiar name of the image
// without ":latest".
func (l *Lab) Contexts(f *dockerfile.File) (opts []string, unknown []string) {
	seen := map[string]bool{}
	for _, image := range images(f) {
		if seen[image] {
			continue
		}
		seen[image] = true
		stage := StandIn(image)
		if stage == "" {
			if !strings.HasPrefix(image, l.Registry+"/") {
				unknown = append(unknown, image)
			}
			continue
		}
		name := strings.TrimSuffix(image, ":latest")
		opts = append(opts, "--opt", "context:"+name+"=docker-image://"+l.Images[stage])
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
