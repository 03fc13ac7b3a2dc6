package gitignore

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed walks a tree and lists what is not ignored, directories with a slash.
func listed(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	var walk func(d *Dir, rel string)
	walk = func(d *Dir, rel string) {
		entries, err := os.ReadDir(filepath.Join(root, rel))
		if err != nil {
			t.Fatal(err)
		}
		if rel != "" {
			d = d.Enter(filepath.Base(rel), entries)
		}
		for _, e := range entries {
			name := filepath.Join(rel, e.Name())
			switch {
			case e.Name() == ".git" || d.Ignored(e.Name(), e.IsDir()):
			case e.IsDir():
				out = append(out, name+"/")
				walk(d, name)
			default:
				out = append(out, name)
			}
		}
	}
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	walk(d, "")
	slices.Sort(out)
	return out
}

// git asks git itself, without the user's own settings and without the index.
func git(t *testing.T, root string, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "XDG_CONFIG_HOME=/nonexistent", "HOME=/nonexistent", "GIT_CEILING_DIRECTORIES="+filepath.Dir(root))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 1 && args[0] == "check-ignore" {
		err = nil // nothing is ignored
	}
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// listedByGit is what git check-ignore leaves of every path of the tree.
func listedByGit(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil || rel == ".":
			return err
		case d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			rel += "/"
		}
		all = append(all, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var asked bytes.Buffer // without a slash at the end, which would ask for something in the directory
	for _, name := range all {
		asked.WriteString(strings.TrimSuffix(name, "/") + "\x00")
	}
	ignored := map[string]bool{}
	for _, name := range strings.Split(string(git(t, root, asked.Bytes(), "check-ignore", "--no-index", "--stdin", "-z")), "\x00") {
		ignored[name] = true
	}
	all = slices.DeleteFunc(all, func(name string) bool { return ignored[strings.TrimSuffix(name, "/")] })
	slices.Sort(all)
	return all
}

func needGit(t testing.TB) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestAgainstGit compares with git over generated trees: no path may be judged otherwise.
func TestAgainstGit(t *testing.T) {
	needGit(t)
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			generate(t, rand.New(rand.NewPCG(uint64(seed), 7)), root)
			git(t, root, nil, "init", "-q", ".")
			write(t, root, ".git/info/exclude", lines(rand.New(rand.NewPCG(uint64(seed), 11)), 2))
			compareLists(t, root, listed(t, root), listedByGit(t, root))
		})
	}
}

func compareLists(t *testing.T, root string, got, want []string) {
	t.Helper()
	for _, name := range got {
		if _, ok := slices.BinarySearch(want, name); !ok {
			t.Errorf("%q is ignored by git: %s", name, git(t, root, []byte(name), "check-ignore", "--no-index", "-v", "--stdin"))
		}
	}
	for _, name := range want {
		if _, ok := slices.BinarySearch(got, name); !ok {
			t.Errorf("%q is not ignored by git", name)
		}
	}
	if t.Failed() {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, _ error) error {
			if d.Name() == ".gitignore" || d.Name() == "exclude" {
				b, _ := os.ReadFile(path)
				rel, _ := filepath.Rel(root, path)
				t.Logf("%s: %q", rel, b)
			}
			return nil
		})
	}
}

// names are few, so that patterns hit.
var names = []string{"a", "b", "ab", "a.b", "build", "Dockerfile", "x.tmpl", "a b", "-", "!a", "#a", "a]", "[a]", "a\\b", "ä", ".env"}

func generate(t *testing.T, r *rand.Rand, root string) {
	t.Helper()
	var fill func(rel string, depth int)
	fill = func(rel string, depth int) {
		for _, name := range names {
			path := filepath.Join(rel, name)
			switch r.IntN(4) {
			case 0:
				if depth < 3 {
					fill(path, depth+1)
				}
			case 1, 2:
				write(t, root, path, "")
			}
		}
		if rel == "" || r.IntN(4) == 0 {
			write(t, root, filepath.Join(rel, ".gitignore"), lines(r, 1+r.IntN(6)))
		}
	}
	fill("", 0)
}

// pieces are what patterns are made of.
var pieces = []string{"a", "b", "ab", "build", "Dockerfile", ".", "*", "*", "**", "**/", "/**", "/", "/", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[[:alpha:]]",
	"[[:nope:]]", "[]a]", "[a", "\\", "\\a", "\\*", "\\!", "!", "#", " ", "\\ ", "[\\]a]", "[a-", "-]", "[-a]", "[[:a]", "ä", "***", "\t", "[a/b]", "\\/", "[0-z]", "[!-~]"}

func lines(r *rand.Rand, n int) string {
	var b strings.Builder
	if r.IntN(8) == 0 {
		b.WriteString("\ufeff")
	}
	for range n {
		if r.IntN(4) == 0 {
			b.WriteByte('!')
		}
		if r.IntN(3) == 0 {
			b.WriteString(names[r.IntN(len(names))])
		} else {
			for range 1 + r.IntN(5) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
		}
		if r.IntN(5) == 0 {
			b.WriteByte('/')
		}
		b.WriteString([]string{"\n", "\n", "\n", "\r\n", " \n", "\n\n"}[r.IntN(6)])
	}
	if r.IntN(4) == 0 {
		b.WriteString(pieces[r.IntN(len(pieces))]) // without a line end
	}
	return b.String()
}

// TestGlobAgainstGit compares single patterns with git over the same paths, many at once: each in a directory of its own.
func TestGlobAgainstGit(t *testing.T) {
	needGit(t)
	r := rand.New(rand.NewPCG(1, 2))
	root := t.TempDir()
	git(t, root, nil, "init", "-q", ".")
	n := 150
	if testing.Short() {
		n = 50
	}
	for k := range n {
		dir := fmt.Sprintf("d%d", k)
		for _, name := range []string{"a", "b", "ab", "a.b", "x/a", "x/b", "x/y/a", "x/y/ab", "a b", "]", "-", "a]", "[a]", "!b", "#c", "a\\b", "z/", "build/a/b", "xa/b", "é"} {
			if strings.HasSuffix(name, "/") {
				name += "keep"
			}
			write(t, root, filepath.Join(dir, name), "")
		}
		write(t, root, filepath.Join(dir, ".gitignore"), lines(r, 1))
	}
	compareLists(t, root, listed(t, root), listedByGit(t, root))
}

// TestRepositories holds what is no business of the repository above: another one in it, a work tree, a submodule.
func TestRepositories(t *testing.T) {
	needGit(t)
	root := t.TempDir()
	git(t, root, nil, "init", "-q", ".")
	write(t, root, ".gitignore", "a\n/out/\n")
	write(t, root, "a", "")
	write(t, root, "nested/a", "")
	write(t, root, "nested/b", "")
	write(t, root, "nested/.gitignore", "b\n")
	git(t, filepath.Join(root, "nested"), nil, "init", "-q", ".")
	write(t, root, "module/a", "")
	write(t, root, "module/c", "")
	write(t, root, "module/.git", "gitdir: ../.git/modules/module\n")
	write(t, root, ".git/modules/module/HEAD", "ref: refs/heads/main\n")
	write(t, root, ".git/modules/module/info/exclude", "c\n")
	write(t, root, "tree/a", "")
	write(t, root, "tree/d", "")
	write(t, root, "tree/.git", "gitdir: ../.git/worktrees/tree\n")
	write(t, root, ".git/worktrees/tree/HEAD", "ref: refs/heads/main\n")
	write(t, root, ".git/worktrees/tree/commondir", "../modules/module\n")
	write(t, root, "empty/.git/no-head", "")
	write(t, root, "empty/a", "")
	write(t, root, "out/x", "")
	if err := os.Symlink(".gitignore", filepath.Join(root, "nested", "link")); err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", "empty/", "module/", "module/a", "nested/", "nested/.gitignore", "nested/a", "nested/link", "tree/", "tree/a", "tree/d"}
	if got := listed(t, root); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// From below, the patterns above count; a directory that is named is looked at even if it is ignored.
	if got := listed(t, filepath.Join(root, "out")); !slices.Equal(got, []string{"x"}) {
		t.Errorf("got %q", got)
	}
	write(t, root, "sub/a", "")
	write(t, root, "sub/e", "")
	if got := listed(t, filepath.Join(root, "sub")); !slices.Equal(got, []string{"e"}) {
		t.Errorf("got %q", got)
	}
}

// TestNoRepository holds that a .gitignore counts without a repository, too: an archive of one has none.
func TestNoRepository(t *testing.T) {
	root := t.TempDir()
	write(t, root, ".gitignore", "*.tmpl\n")
	write(t, root, "x/a.tmpl", "")
	write(t, root, "x/b", "")
	if got := listed(t, root); !slices.Equal(got, []string{".gitignore", "x/", "x/b"}) {
		t.Errorf("got %q", got)
	}
}

// FuzzMatch holds that no pattern panics or takes long.
func FuzzMatch(f *testing.F) {
	f.Add("**/a*[!b-d]\\*/\n", "x/y/a.b")
	f.Add(strings.Repeat("*a", 200), strings.Repeat("a", 400)+"b")
	f.Fuzz(func(t *testing.T, text, path string) {
		last(parse([]byte(text)), path, true)
	})
}
