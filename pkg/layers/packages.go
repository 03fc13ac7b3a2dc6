package layers

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// managers are the programs that install packages of distributions. Those of languages (pip, npm) are programs that a
// service may need.
var managers = []string{"apt-get", "apt", "dpkg", "apk", "dnf", "microdnf", "yum", "tdnf", "rpm", "zypper", "pacman", "opkg"}

// PackageManagers returns the paths of the package managers of distributions in the directories of programs, by path;
// symbolic links are left out.
func (f *FS) PackageManagers() []string {
	var found []string
	for _, dir := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin"} {
		for _, name := range managers {
			if e, ok := f.Entry(dir + "/" + name); ok && e.Mode.IsRegular() && e.Mode&0o111 != 0 {
				found = append(found, e.Path)
			}
		}
	}
	return found
}

// Leftover is something that only a build needs.
type Leftover struct {
	Kind  string `json:"kind"` // see the kinds
	Path  string `json:"path"` // the directory, or the file if there is but one
	Layer int    `json:"layer"`
	Size  int64  `json:"size"` // bytes of its files in this layer, those of several names once
	Files int    `json:"files"`
}

// The kinds of leftovers.
const (
	Toolchain   = "the Go toolchain"
	ModuleCache = "the module cache"
	BuildCache  = "the build cache"
	Sources     = "Go sources"
	Repository  = "a git repository"
	Compiler    = "a C compiler"
)

var kinds = []string{Toolchain, ModuleCache, BuildCache, Sources, Repository, Compiler}

// Leftovers returns what only a build needs and can be seen in the image, by layer, then kind: the Go toolchain (bin/go
// with pkg/tool beside it), the module cache (pkg/mod), the cache of go build, .go files, .git directories, and C
// compilers with their libraries and make.
func (f *FS) Leftovers() []Leftover {
	l := leftovers{seen: map[*inode]bool{}, sums: map[leftoverKey]*Leftover{}, roots: map[string]string{}}
	l.find(f.tree.root)
	l.add(f.tree.root, "", "")
	list := make([]Leftover, 0, len(l.sums))
	for _, sum := range l.sums {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b Leftover) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
	})
	return list
}

type leftoverKey struct {
	kind  string
	layer int
}

type leftovers struct {
	roots map[string]string // directories and their kinds
	seen  map[*inode]bool
	sums  map[leftoverKey]*Leftover
}

// find finds the directories by what is in them.
func (l *leftovers) find(n *node) {
	p := n.entry.Path
	switch {
	case n.has("bin", "go") && n.has("pkg", "tool"):
		l.roots[p] = Toolchain
	case path.Base(p) == "mod" && strings.HasSuffix(p, "/pkg/mod") && n.has("cache", "download"):
		l.roots[p] = ModuleCache
	case path.Base(p) == "go-build" && (n.has("trim.txt") || n.has("00") || n.has("README")):
		l.roots[p] = BuildCache
	case path.Base(p) == ".git" && n.has("HEAD") && (n.has("refs") || n.has("objects") || n.has("config")):
		l.roots[p] = Repository
	case p == "/usr/lib/gcc" || p == "/usr/libexec/gcc" || strings.HasPrefix(p, "/usr/lib/llvm-") && path.Dir(p) == "/usr/lib" && n.has("bin", "clang"):
		l.roots[p] = Compiler
	}
	for _, child := range n.children.all() {
		if child.isDir() {
			l.find(child)
		}
	}
}

// has reports whether a path of names is below a directory.
func (n *node) has(names ...string) bool {
	for _, name := range names {
		if n = n.children.get(name); n == nil {
			return false
		}
	}
	return true
}

// add adds up the files below a directory, of a kind if a directory above is of one.
func (l *leftovers) add(n *node, kind, root string) {
	if k := l.roots[n.entry.Path]; k != "" && kind == "" {
		kind, root = k, n.entry.Path
	}
	for _, child := range n.children.all() {
		if child.isDir() {
			l.add(child, kind, root)
			continue
		}
		if !child.entry.Mode.IsRegular() {
			continue
		}
		k, at := kind, root
		if k == "" {
			k, at = kindOfFile(child), child.entry.Path
		}
		if k != "" {
			l.count(child, k, at)
		}
	}
}

// kindOfFile is the kind of a file outside of the directories.
func kindOfFile(n *node) string {
	dir, base := path.Split(n.entry.Path)
	switch {
	case strings.HasSuffix(base, ".go") && !strings.HasPrefix(dir, "/usr/share/"):
		return Sources
	case dir == "/usr/bin/" && n.entry.ELF && compiler.MatchString(base):
		return Compiler
	}
	return ""
}

var compiler = lazyregexp.New(`^([a-z0-9_]+-linux-(gnu|musl)[a-z0-9]*-)?(gcc|g\+\+|clang|clang\+\+|cc|c\+\+|cpp|make)(-[0-9.]+)?$`)

// count counts a file, whose bytes count once.
func (l *leftovers) count(n *node, kind, at string) {
	key := leftoverKey{kind, n.entry.Layer}
	sum := l.sums[key]
	if sum == nil {
		sum = &Leftover{Kind: kind, Path: at, Layer: n.entry.Layer}
		l.sums[key] = sum
	}
	if sum.Path != at {
		sum.Path = common(sum.Path, at)
	}
	sum.Files++
	if n.inode == nil || !l.seen[n.inode] { // without one it has no other name
		l.seen[n.inode] = true
		sum.Size += n.entry.Size
	}
}

// common is the directory that holds both paths.
func common(a, b string) string {
	for a != "/" && b != a && !strings.HasPrefix(b, a+"/") {
		a = path.Dir(a)
	}
	return a
}
