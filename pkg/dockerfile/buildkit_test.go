package dockerfile_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// buildKit starts a BuildKit daemon and gives its client's command with the daemon's address. Without the binaries that
// internal/ci/buildkit.sh installs, or without root, the test is skipped.
func buildKit(t *testing.T) (client string, args []string) {
	t.Helper()
	work := os.Getenv("IMGAUDIT_CI_DIR")
	if cache, err := os.UserCacheDir(); work == "" && err == nil {
		work = filepath.Join(cache, "imgaudit-ci")
	}
	daemon := filepath.Join(work, "bin", "buildkitd")
	client = filepath.Join(work, "bin", "buildctl")
	for _, name := range []string{daemon, client} {
		if _, err := os.Stat(name); err != nil {
			t.Skipf("no BuildKit (internal/ci/buildkit.sh --install): %v", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("buildkitd needs root")
	}
	dir := t.TempDir()
	address := "unix://" + filepath.Join(dir, "s")
	cmd := exec.Command(daemon, "--root", filepath.Join(dir, "root"), "--addr", address, "--containerd-worker=false",
		"--oci-worker-snapshotter=native", "--oci-worker-net=host")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err == nil {
			cmd.Wait()
		}
		log.Close()
	})
	for range 300 {
		if exec.Command(client, "--addr", address, "debug", "workers").Run() == nil {
			return client, []string{"--addr", address, "build", "--progress", "plain", "--frontend", "dockerfile.v0"}
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("the BuildKit daemon does not answer: %s", text)
	return "", nil
}

// builtFiles builds a Dockerfile and gives what each file of the result holds: every file of the context holds its own name,
// and a symbolic link counts as the name "link TARGET". message is BuildKit's refusal.
func builtFiles(t *testing.T, client string, args []string, dir, file string) (files []string, message string) {
	t.Helper()
	out := t.TempDir()
	args = append(slices.Clone(args), "--local", "context="+dir, "--local", "dockerfile="+filepath.Join(dir, filepath.Dir(file)),
		"--opt", "filename="+filepath.Base(file), "--output", "type=local,dest="+out)
	if text, err := exec.Command(client, args...).CombinedOutput(); err != nil {
		return nil, string(text)
	}
	err := filepath.WalkDir(out, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			files = append(files, "link "+target)
			return err
		}
		text, err := os.ReadFile(name)
		files = append(files, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files, ""
}

// TestTakenLikeBuildKit compares what a COPY takes with what a real BuildKit puts into an image, in contexts that hurt.
func TestTakenLikeBuildKit(t *testing.T) {
	const standard = ".env .git/config a.go a_test.go cmd/api/main.go cmd/web/web.go docs/a.md docs/deep/b.md docs/deep/er/c.md go.mod sub/x.env vendor/x/x.go"
	tests := []struct {
		name, files string
		ignore      map[string]string // ignore files
		file        string            // the Dockerfile, "" for "Dockerfile"
		copy        string
		links       map[string]string // name: target
	}{
		{name: "everything", copy: "COPY . /o/"},
		{name: "patterns", ignore: map[string]string{".dockerignore": "**/*_test.go\n.git\n.env\n/vendor/\n"}, copy: "COPY . /o/"},
		{name: "all but", ignore: map[string]string{".dockerignore": "*\n!go.mod\n!cmd/api\n!*.go\na_test.go\n"}, copy: "COPY . /o/"},
		{name: "kept below an ignored directory", ignore: map[string]string{".dockerignore": "docs\n!docs/deep\ndocs/deep/er\n"}, copy: "COPY docs /o/"},
		{name: "kept by a pattern", ignore: map[string]string{".dockerignore": "**\n!**/*.md\n"}, copy: "COPY . /o/"},
		{name: "mark and comments and blanks and carriage returns", ignore: map[string]string{".dockerignore": "\xef\xbb\xbf.env\r\n\r\n# docs\r\n  vendor/  \r\n"}, copy: "COPY . /o/"},
		{name: "own ignore file wins", ignore: map[string]string{".dockerignore": "docs\n", "Dockerfile.dockerignore": "cmd\n"}, copy: "COPY . /o/"},
		{name: "empty own ignore file", ignore: map[string]string{".dockerignore": "docs\n", "Dockerfile.dockerignore": ""}, copy: "COPY . /o/"},
		{name: "own ignore file of comments only", ignore: map[string]string{".dockerignore": "docs\n", "Dockerfile.dockerignore": "# none\n"}, copy: "COPY . /o/"},
		{name: "Dockerfile in a directory", ignore: map[string]string{".dockerignore": "docs\n", "cmd/api/Dockerfile.dockerignore": "vendor\n"}, file: "cmd/api/Dockerfile", copy: "COPY . /o/"},
		{name: "Dockerfile of another name", ignore: map[string]string{".dockerignore": "docs\n", "my.Dockerfile.dockerignore": "go.mod\n"}, file: "my.Dockerfile", copy: "COPY . /o/"},
		{name: "wildcards", copy: "COPY *.go go.* cmd/*/*.go /o/"},
		{name: "wildcard over a directory", copy: "COPY d* /o/"},
		{name: "wildcard without a match", copy: "COPY go.mod *.none /o/"},
		{name: "only a wildcard without a match", copy: "COPY *.none /o/"},
		{name: "missing", copy: "COPY none /o/"},
		{name: "ignored", ignore: map[string]string{".dockerignore": "go.mod\n"}, copy: "COPY go.mod /o/"},
		{name: "ignored directory with something kept", ignore: map[string]string{".dockerignore": "docs\n!docs/deep/b.md\n"}, copy: "COPY docs/deep /o/"},
		{name: "wildcard and ignored files", ignore: map[string]string{".dockerignore": "a*\n!a.go\n"}, copy: "COPY a* /o/"},
		{name: "outside", copy: "COPY ../../go.mod /docs/../a.go /o/"},
		{name: "excludes", copy: "COPY --exclude=**/*.go --exclude=.git --exclude=!cmd/web/web.go . /o/"},
		{name: "parents", copy: "COPY --parents cmd/./*/main.go docs/** /o/"},
		{name: "ADD", ignore: map[string]string{".dockerignore": "docs/*\n!docs/deep\n"}, copy: "ADD docs go.mod /o/"},
		{name: "symbolic links", links: map[string]string{"toapi": "cmd/api", "abs": "/docs/deep", "gone": "nowhere", "up": "../../docs/a.md"}, copy: "COPY toapi /o/1/\nCOPY abs /o/2/\nCOPY up /o/3/"},
		{name: "symbolic link to nothing", links: map[string]string{"gone": "nowhere"}, copy: "COPY gone /o/"},
		{name: "symbolic links inside", links: map[string]string{"docs/l": "../go.mod", "docs/deep/m": "nowhere"}, copy: "COPY docs /o/"},
		{name: "wildcard over links", links: map[string]string{"lapi": "cmd/api", "lmod": "go.mod"}, copy: "COPY l* /o/"},
		{name: "link to what is ignored", ignore: map[string]string{".dockerignore": "docs\n"}, links: map[string]string{"l": "docs/a.md"}, copy: "COPY l /o/"},
		{name: "case and letters", files: "A a/b \xc3\xa4/\xc3\xb6 [x]/y", ignore: map[string]string{".dockerignore": "A/b\n\xc3\xa4\n"}, copy: "COPY [\".\", \"/o/\"]"},
		{name: "brackets", files: "[x]/y x/z", copy: "COPY [[]x] /o/"},
	}
	client, args := buildKit(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write := writer(t, dir)
			files, file, src := tt.files, tt.file, "FROM scratch\n"+tt.copy+"\n"
			if files == "" {
				files = standard
			}
			if file == "" {
				file = "Dockerfile"
			}
			holds := map[string]string{file: src}
			for _, name := range strings.Fields(files) {
				holds[name] = name
			}
			for name, text := range tt.ignore {
				holds[name] = text
			}
			for name, text := range holds {
				write(name, text)
			}
			for name, target := range tt.links {
				holds[name] = "link " + target
				if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
					t.Fatal(err)
				}
			}
			var want []string
			var refused error
			c := mustContext(t, os.DirFS(dir), file)
			for _, in := range mustParse(t, src, dockerfile.Options{}).Final().Instructions {
				taken, err := c.Taken(in, 0)
				if err != nil {
					refused = err
				}
				for _, name := range taken {
					want = append(want, holds[name])
				}
			}
			slices.Sort(want)
			got, message := builtFiles(t, client, args, dir, file)
			switch {
			case refused != nil && message == "":
				t.Errorf("we refuse it: %v, and BuildKit takes %q", refused, got)
			case refused == nil && message != "":
				t.Errorf("we take %q, and BuildKit refuses: %s", want, message)
			case refused == nil && !slices.Equal(got, want):
				t.Errorf("we take\n%q\nBuildKit takes\n%q", want, got)
			case refused != nil && !strings.Contains(message, refused.Error()):
				t.Errorf("we say %v, BuildKit %s", refused, message)
			}
		})
	}
}
