package dockerfile_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buildahFiles builds a context with buildah and gives the files of the image below /out; ok is false if buildah refuses.
func buildahFiles(t *testing.T, dir string) (files []string, ok bool) {
	t.Helper()
	work := t.TempDir()
	out := filepath.Join(work, "image")
	cmd := exec.Command("buildah", "--root", filepath.Join(work, "root"), "--runroot", filepath.Join(work, "run"),
		"--storage-driver", "vfs", "bud", "--isolation", "chroot", "--layers=false", "--quiet",
		"--output", "type=local,dest="+out, dir)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Logf("buildah: %s", text)
		return nil, false
	}
	root := filepath.Join(out, "out")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator))))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files, true
}

// TestTakenLikeBuildah compares what a COPY takes with what really ends up in an image. Where buildah and BuildKit
// differ, buildah holds what buildah does; BuildKit is right, and pinned by TestTaken.
func TestTakenLikeBuildah(t *testing.T) {
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Skip("buildah is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("buildah builds with chroot isolation need root")
	}
	files := []string{
		".env", ".git/config", "a.go", "a_test.go", "cmd/api/main.go", "cmd/api/main_test.go", "cmd/web/main.go", "docs/a.md",
		"docs/deep/b.md", "go.mod", "sub/.env", "vendor/x/x.go",
	}
	tests := []struct {
		name, ignore, copy string
		strip              string // what the destination lost of the taken paths
		buildah            string // what buildah takes, if that is something else; "nothing"
	}{
		{name: "all", copy: "COPY . /out/"},
		{name: "root only", ignore: ".env\n.git\n", copy: "COPY . /out/"},
		{name: "anywhere", ignore: "**/.env\n**/*_test.go\n.git/\n", copy: "COPY . /out/"},
		{name: "all but", ignore: "*\n!go.mod\n!cmd\n", copy: "COPY . /out/"},
		{name: "all but in a directory", ignore: "docs\n!docs/deep\n", copy: "COPY docs /out/", strip: "docs/"},
		{name: "all but by pattern", ignore: "**\n!**/*.md\n", copy: "COPY . /out/", buildah: "nothing"},
		{name: "kept and taken away again", ignore: "*\n!cmd\ncmd/web\n", copy: "COPY . /out/"},
		{name: "comments and slashes", ignore: "# x\n\n vendor/ \n./docs//deep\n", copy: "COPY . /out/"},
		{name: "blank before a leading slash", ignore: "/docs\n /vendor\n", copy: "COPY *o* /out/", buildah: ".dockerignore Dockerfile a.go a_test.go go.mod x/x.go"},
		{name: "leading slash", ignore: "/vendor/\n/cmd\n", copy: "COPY . /out/"},
		{name: "wildcard", ignore: "a_test.go\n", copy: "COPY *.go go.mod /out/"},
		{name: "wildcard over directories", copy: "COPY cmd/*/main*.go /out/", strip: "cmd/api/,cmd/web/"},
		{name: "ignored source", ignore: "docs\n", copy: "COPY docs /out/"},
		{name: "missing source", copy: "COPY nope /out/"},
		{name: "own ignore file of the Dockerfile", ignore: "Dockerfile\n.dockerignore\n", copy: "COPY . /out/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write := writer(t, dir)
			src := "FROM scratch\n" + tt.copy + "\n"
			write("Dockerfile", src)
			if tt.ignore != "" {
				write(".dockerignore", tt.ignore)
			}
			for _, name := range files {
				write(name, name)
			}
			taken, err := mustContext(t, os.DirFS(dir), "").Taken(mustParse(t, src).Final().Instructions[0], 0)
			for k := range taken {
				for _, prefix := range strings.Split(tt.strip, ",") {
					taken[k] = strings.TrimPrefix(taken[k], prefix)
				}
			}
			slices.Sort(taken)
			taken = slices.Compact(taken)
			built, ok := buildahFiles(t, dir)
			want := strings.Join(taken, " ")
			if tt.buildah != "" {
				want = tt.buildah
			}
			if ok != (err == nil) {
				t.Fatalf("buildah builds: %v; taken: %v", ok, err)
			}
			if tt.buildah == "nothing" {
				want = ""
			}
			equal(t, "files", strings.Join(built, " "), want)
		})
	}
}
