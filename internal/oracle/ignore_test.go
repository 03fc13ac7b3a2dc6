package oracle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// memory is a tree in memory as fsutil wants it, with which BuildKit's client sends a context.
type memory struct{ fstest.MapFS }

func (m memory) Walk(_ context.Context, target string, fn fs.WalkDirFunc) error {
	return fs.WalkDir(m.MapFS, path.Join(".", target), func(name string, d fs.DirEntry, err error) error {
		if name == "." {
			return err
		}
		mode := uint32(0o644)
		if d.IsDir() {
			mode = uint32(fs.ModeDir | 0o755)
		}
		return fn(name, &fsutil.DirEntryInfo{Stat: &types.Stat{Path: name, Mode: mode}}, err)
	})
}

func (m memory) Open(name string) (io.ReadCloser, error) { return m.MapFS.Open(name) }

// sent is what BuildKit's client sends of a tree, directories left out.
func sent(tree fstest.MapFS, ignore string) ([]string, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(ignore))
	if err != nil {
		return nil, err
	}
	filtered, err := fsutil.NewFilterFS(memory{tree}, &fsutil.FilterOpt{ExcludePatterns: patterns})
	if err != nil {
		return nil, err
	}
	files := []string{}
	err = filtered.Walk(context.Background(), "", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// compareIgnore compares what our reader takes of a tree with what BuildKit's client sends.
func compareIgnore(t *testing.T, tree fstest.MapFS, ignore string) {
	t.Helper()
	tree[".dockerignore"] = &fstest.MapFile{Data: []byte(ignore)}
	want, refused := sent(tree, ignore)
	c, err := dockerfile.NewContext("", tree, "")
	if err != nil || refused != nil {
		if (err == nil) != (refused == nil) {
			t.Fatalf("%q of %v: %v; BuildKit says %v", ignore, names(tree), err, refused)
		}
		return
	}
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM scratch\nCOPY . .\n"), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Taken(f.Final().Instructions[0], 0)
	if err != nil {
		t.Fatalf("%q: %v", ignore, err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q of %v:\n we take %v\nit sends %v", ignore, names(tree), got, want)
	}
	for name := range tree {
		ignored, err := c.Ignored(name)
		if err != nil || ignored == slices.Contains(want, name) {
			t.Fatalf("%q of %v: %s ignored: %v, %v; BuildKit sends %v", ignore, names(tree), name, ignored, err, want)
		}
	}
}

func names(tree fstest.MapFS) []string {
	var out []string
	for name := range tree {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// TestIgnoreCases are the shapes of which it is known that readers get them wrong.
func TestIgnoreCases(t *testing.T) {
	for _, ignore := range []string{
		"", "*", "**", "*\n!b", "*\n!b/c", "b\n!b/c", "b\n!b/c/a", "b/**\n!b/c/d", "!b\nb", "b\n!b", "**/a", "**/a\n!b/c/a", "b/*\n!b/c", "b/\n", "/b", "/b/",
		"./b", "b/../a", "../b", " b ", "\xef\xbb\xbfa\nb", "# a\n#h\n\\#h", "\n\n\nb\n\n", "b\r\n.env\r\n", "*.go", "**/*.go", "**.go", "b/**/e.go", "?", "??",
		"[ab]", "[!a]", "[^a]", "\\[s\\]", "[s]", "x y", "ä", "*/c", "*/*/a", "!", "!\n", "! b", "b\n! b", "!!b", "/", ".", "..", "*\n!*/", "**\n!**/a",
		"b/c/..", "b//c", "**/", "**/**", "b/**/", "/**/a", "a/b/c/**", "B", "[", "[a", "a\\", "{a,b}", "*\n!./b/c/", "b\n!/b/a", "*\n!**/*.go",
		"**/.env\n!.env", "b\n!*/a", "b\n!**/c", "b/c\n!b\nb/c/d", "*\n!.git\n.git/config", "b\n!b/**", "b\n!b/*", "b/*/d\n!b/c/d/e.go",
	} {
		tree := fstest.MapFS{}
		for _, name := range []string{
			".env", ".git/config", "a", "b/a", "b/c/a", "b/c/d/e.go", "b/.env", "bb/x", "go.mod", "vendor/v/v.go", "x y/z", "[s]/t", "ä/ö", "#h",
		} {
			tree[name] = &fstest.MapFile{}
		}
		t.Run(fmt.Sprintf("%q", ignore), func(t *testing.T) { compareIgnore(t, tree, ignore) })
	}
}

// drawn draws a tree and an ignore file out of a source of numbers.
func drawn(number func(n int) int) (fstest.MapFS, string) {
	elements := []string{"a", "b", "ab", ".a", "a.go", "é", "c d"}
	tree := fstest.MapFS{}
	for range 1 + number(6) {
		name := elements[number(len(elements))]
		for range number(4) {
			name += "/" + elements[number(len(elements))]
		}
		taken := false
		for other := range tree {
			taken = taken || strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/")
		}
		if !taken {
			tree[name] = &fstest.MapFile{}
		}
	}
	parts := append(slices.Clone(elements), "*", "**", "?", "*b", "a*", "[ab]", "[^b]", "*.go", ".", "..", "\\a", "")
	var ignore bytes.Buffer
	if number(20) == 1 {
		ignore.WriteString("\xef\xbb\xbf")
	}
	for range 1 + number(5) {
		ignore.WriteString([]string{"", "", "", "!", "!", "/", "!/", " ", "./", "# ", "! "}[number(11)])
		for k := range 1 + number(4) {
			if k > 0 {
				ignore.WriteByte('/')
			}
			ignore.WriteString(parts[number(len(parts))])
		}
		ignore.WriteString([]string{"\n", "\n", "\n", "/\n", "\r\n", " \n", "/**\n", "/*\n", "\n\n"}[number(9)])
	}
	return tree, ignore.String()
}

// TestIgnoreProperty draws trees and ignore files.
func TestIgnoreProperty(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		tree, ignore := drawn(random.IntN)
		compareIgnore(t, tree, ignore)
	}
}

// FuzzIgnore lets the fuzzer draw them.
func FuzzIgnore(f *testing.F) {
	f.Add([]byte("\x03\x01\x02\x00\x05\x04\x03\x02\x01\x00\x09\x08\x07"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, ignore := drawn(func(n int) int {
			if len(data) == 0 {
				return 0
			}
			k := int(data[0]) % n
			data = data[1:]
			return k
		})
		compareIgnore(t, tree, ignore)
	})
}
