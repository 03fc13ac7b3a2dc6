package dockerfile_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// tree makes a file system: "path" or "path=content" is a file, "path->target" a symbolic link, "path/" a directory.
func tree(entries ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, e := range entries {
		if link, target, ok := strings.Cut(e, "->"); ok {
			m[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		name, content, _ := strings.Cut(e, "=")
		file := &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		if strings.HasSuffix(name, "/") {
			name, file.Mode = strings.TrimSuffix(name, "/"), fs.ModeDir|0o755
		}
		m[name] = file
	}
	return m
}

func mustContext(t testing.TB, root fs.FS, name string) *dockerfile.Context {
	t.Helper()
	c, err := dockerfile.NewContext("ctx", root, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestIgnoreFile(t *testing.T) {
	files := tree(".dockerignore=a", "x/Dockerfile", "x/Dockerfile.dockerignore=b", "y.dockerignore", "Dockerfile")
	tests := []struct{ dockerfile, name, patterns string }{
		{"", ".dockerignore", "a"},
		{"x/Dockerfile", "x/Dockerfile.dockerignore", "b"},
		{"./x/Dockerfile", "x/Dockerfile.dockerignore", "b"},
		{"y", "y.dockerignore", ""}, // it exists, so the other does not count
		{"../outside", ".dockerignore", "a"},
	}
	for _, tt := range tests {
		c := mustContext(t, files, tt.dockerfile)
		equal(t, tt.dockerfile, c.IgnoreFile, tt.name)
		equal(t, tt.dockerfile, strings.Join(c.Patterns, " "), tt.patterns)
	}
	c := mustContext(t, tree("a"), "")
	equal(t, "none", c.IgnoreFile, "")
	c = mustContext(t, tree(".dockerignore=\xef\xbb\xbf# c\r\n /a/ \n\n! /b/../c \r\n./d//e\n"), "")
	equal(t, "cleaned", strings.Join(c.Patterns, "|"), "a|!c|d/e")
	for _, wrong := range []string{"[a", "!", strings.Repeat("x", 1<<20+1)} {
		if _, err := dockerfile.NewContext("", tree(".dockerignore="+wrong), ""); err == nil || !strings.HasPrefix(err.Error(), "reading .dockerignore: ") {
			t.Errorf("%.10q: %v", wrong, err)
		}
	}
}

func TestIgnored(t *testing.T) {
	tests := []struct{ patterns, ignored, kept string }{
		{".env", ".env .env/x", "sub/.env a"},
		{"**/.env", ".env sub/.env a/b/.env", ".envx"},
		{"*.pem", "a.pem", "sub/a.pem"},
		{"*/*.pem", "sub/a.pem", "a.pem a/b/c.pem"},
		{"/vendor/", "vendor vendor/a/b", "x/vendor"},
		{"*\n!go.mod\n!cmd", "a .git/config cmdx", "go.mod cmd cmd/a/b"},
		{"**\n!**/*.go", "a b/c.md", "x.go b/c.go"},
		{"docs\n!docs/a.md", "docs docs/b.md", "docs/a.md"},
		{"!a\na", "a a/b", "c"},
		{"a/b\n!a", "a/b a/b/c", "a a/c"}, // a walk from the top never sees !a match a/b
		{"a?c", "abc", "ac abbc a/c"},
		{"[ab].txt", "a.txt", "c.txt"},
		{"a/**/z", "a/z a/b/c/z", "a/b"},
		{"# no\n#x", "", "#x x"},
	}
	for _, tt := range tests {
		t.Run(tt.patterns, func(t *testing.T) {
			c := mustContext(t, tree(".dockerignore="+tt.patterns), "")
			check := func(names string, want bool) {
				for _, name := range strings.Fields(names) {
					got, err := c.Ignored(name)
					if err != nil || got != want {
						t.Errorf("%s: %v, %v; want %v", name, got, err, want)
					}
				}
			}
			check(tt.ignored, true)
			check(tt.kept, false)
		})
	}
}

func TestTaken(t *testing.T) {
	files := []string{
		"go.mod", "go.sum", "main.go", ".env", ".git/config", ".git/objects/aa", "cmd/api/main.go", "cmd/api/api_test.go",
		"cmd/web/main.go", "docs/a.md", "docs/b.md", "empty/", "link->main.go", "dirlink->cmd/api", "up->../../etc/passwd",
		"abs->/docs/a.md", "loop->loop", "docs/inner->b.md", "we[i]rd",
	}
	tests := []struct{ name, ignore, copy, want string }{
		{"file", "", "COPY go.mod go.sum ./", "go.mod go.sum"},
		{"directory", "", "COPY cmd /x/", "cmd/api/api_test.go cmd/api/main.go cmd/web/main.go"},
		{"slashes", "", "COPY /cmd/../docs/ /x/", "docs/a.md docs/b.md docs/inner"},
		{"out of the context", "", "COPY ../../go.mod /x", "go.mod"},
		{"wildcard", "", "COPY go.* ./", "go.mod go.sum"},
		{"wildcard over directories", "", "COPY cmd/*/main.go /x/", "cmd/api/main.go cmd/web/main.go"},
		{"wildcard takes directories", "", "COPY d?cs* /x/", "docs/a.md docs/b.md docs/inner"},
		{"wildcard without a match", "", "COPY go.mod nope* /x/", "go.mod"},
		{"escaped wildcard", "", `COPY ["we[[]i]rd", "/x/"]`, "we[i]rd"},
		{"ignored", ".git\n.env\n**/*_test.go\ndocs", "COPY . .", ".dockerignore abs cmd/api/main.go cmd/web/main.go dirlink go.mod go.sum link loop main.go up we[i]rd"},
		{"all but", "*\n!go.mod\n!cmd/web", "COPY . .", "cmd/web/main.go go.mod"},
		{"all but, by wildcard", "*\n!cmd/web", "COPY c* /x/", "cmd/web/main.go"},
		{"all but, by suffix", "**\n!**/*.md", "COPY . .", "docs/a.md docs/b.md"},
		{"directory kept for a file", "docs\n!docs/a.md", "COPY docs /x/", "docs/a.md"},
		{"ignored file", ".env", "COPY .env /x", `"/.env": not found`},
		{"ignored directory", "docs", "COPY docs/a.md /x", `"/docs/a.md": not found`},
		{"all ignored", "*", "COPY . /x", ""},
		{"missing", "", "COPY nope /x", `"/nope": not found`},
		{"missing below", "", "COPY cmd/no/*.go /x/", `"/cmd/no": not found`},
		{"empty directory", "", "COPY empty /x", ""},
		{"link", "", "COPY link /x", "main.go"},
		{"link to a directory", "", "COPY dirlink/main.go /x", "cmd/api/main.go"},
		{"absolute link", "", "COPY abs /x", "docs/a.md"},
		{"link out of the context", "", "COPY up /x", `"/up": not found`},
		{"link to something ignored", "main.go", "COPY link /x", `"/link": not found`},
		{"loop", "", "COPY loop /x", `reading context: "loop": too many links`},
		{"exclude", "", "COPY --exclude=*/*_test.go --exclude=web cmd /x/", "cmd/api/main.go"},
		{"exclude all but", "", "COPY --exclude=* --exclude=!a.md docs /x/", "docs/a.md"},
		{"exclude does not see a file source", "", "COPY --exclude=*.mod go.mod /x/", "go.mod"},
		{"parents", "", "COPY --parents cmd/api/main.go docs /x/", "cmd/api/main.go docs/a.md docs/b.md docs/inner"},
		{"parents with wildcards", "", "COPY --parents **/main.go /x/", "cmd/api/main.go cmd/web/main.go main.go"},
		{"parents below a point", "", "COPY --parents cmd/./*/main.go /x/", "cmd/api/main.go cmd/web/main.go"},
		{"parents missing", "", "COPY --parents nope /x/", `"/nope": not found`},
		{"url", "", "ADD https://example.com/x git@example.com:a/b.git#main go.mod /x/", "go.mod"},
		{"stage", "", "COPY --from=busybox nope /x", ""},
		{"heredoc", "", "COPY <<A /x\nA", ""},
		{"variable", "", "ARG D=docs\nCOPY $D/a.md /x", "docs/a.md"},
		{"unknown", "", "COPY $HOME/a /x", "listing what COPY takes: a source depends on a value that is not known"},
		{"unknown destination", "", "COPY go.mod $HOME/x", "go.mod"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries := files
			if tt.ignore != "" {
				entries = append([]string{".dockerignore=" + tt.ignore}, files...)
			}
			instructions := mustParse(t, "FROM a\n"+tt.copy+"\n").Final().Instructions
			taken, err := mustContext(t, tree(entries...), "").Taken(instructions[len(instructions)-1], 0)
			got := strings.Join(taken, " ")
			if err != nil {
				got = err.Error()
			}
			equal(t, "taken", got, tt.want)
		})
	}
}

func TestTakenLimit(t *testing.T) {
	in := mustParse(t, "FROM a\nCOPY . .\n").Final().Instructions[0]
	taken, err := mustContext(t, tree("a", "b/c", "b/d", "e"), "").Taken(in, 2)
	equal(t, "taken", strings.Join(taken, " "), "a b/c")
	equal(t, "error", err, nil)
}

// unreadable is a file system whose directory "secret" must not be opened.
type unreadable struct{ fstest.MapFS }

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "secret" || strings.HasPrefix(name, "secret/") {
		return nil, fs.ErrPermission
	}
	return u.MapFS.ReadDir(name)
}

// TestTakenPrunes shows that a walk stays out of an ignored directory unless a "!" pattern can keep something in it.
func TestTakenPrunes(t *testing.T) {
	in := mustParse(t, "FROM a\nCOPY . .\n").Final().Instructions[0]
	for patterns, pruned := range map[string]bool{
		"secret": true, "*\n!a": true, "secret\n!b/**": true, "secret\n!secretx": true,
		"secret\n!secret/a": false, "secret\n!**/a": false, "secret\n!secret/*/a": false, "": false,
	} {
		root := unreadable{tree(".dockerignore="+patterns, "a", "secret/a/b", "secret/a/c")}
		_, err := mustContext(t, root, "").Taken(in, 0)
		if (err == nil) != pruned {
			t.Errorf("%q: %v", patterns, err)
		}
	}
}

// FuzzIgnore: no panic; what a walk takes and what Ignored says of each file agree.
func FuzzIgnore(f *testing.F) {
	f.Add("*\n!go.mod", "go.mod")
	f.Add("a/b\n!a", "a/b/c")
	f.Add("**\n!**/*.go\n!x", "x/y.go")
	f.Add("!a\na/*\n!a/b/c\n[z", "a/b/c")
	f.Add("a\n!a/b\na/b/c", "a/b/d/e")
	f.Add("**/x/**\n!**/x/y", "x/y/z")
	f.Fuzz(func(t *testing.T, patterns, name string) {
		if !fs.ValidPath(name) || name == "." || name == ".dockerignore" || strings.HasPrefix(name, ".dockerignore/") ||
			strings.ContainsAny(name, "\\*?[\"'$") || len(name) > 100 || len(patterns) > 1000 {
			return
		}
		root := fstest.MapFS{".dockerignore": {Data: []byte(patterns)}, name: {}, "other/file": {}}
		if name == "other" || strings.HasPrefix(name, "other/file") {
			return
		}
		c, err := dockerfile.NewContext("", root, "")
		if err != nil {
			return
		}
		in := mustParse(t, "FROM a\nCOPY . .\n").Final().Instructions[0]
		taken, err := c.Taken(in, 0)
		if err != nil {
			return
		}
		for _, file := range []string{name, "other/file", ".dockerignore"} {
			ignored, err := c.Ignored(file)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, got := range taken {
				found = found || got == file
			}
			if found == ignored {
				t.Fatalf("%q: ignored %v, taken %v", file, ignored, found)
			}
		}
	})
}
