package binary

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"
)

// noPackage stands for functions whose name has no package: assembly and C.
const noPackage = "(no package)"

// maxPackages is how many packages are counted; dockerd has 1,500. What a file invents beyond counts as none.
const maxPackages = 1 << 15

// packages adds up the machine code of the functions by package. Functions of one package follow each other in the
// text, so that most names are only compared with the one before.
func (p *program) packages() []PackageSize {
	sizes := map[string]*int64{}
	var last *int64
	var prefix []byte // the name of the last package as it is written in function names
	buf := make([]byte, maxName)
	for i := range p.fns.entry {
		start, end := p.fns.span(int32(i))
		name := p.shortName(buf, p.fns.name[i])
		if last == nil || !bytes.HasPrefix(name, prefix) || len(name) == len(prefix) || name[len(prefix)] != '.' || bytes.IndexByte(name[len(prefix):], '/') >= 0 {
			name = packagePrefix(name)
			prefix = append(prefix[:0], name...)
			if last = sizes[string(name)]; last == nil {
				if len(sizes) >= maxPackages {
					name = nil
				}
				last = new(int64)
				sizes[string(name)] = last
			}
		}
		*last += int64(end - start)
	}
	all := make([]PackageSize, 0, len(sizes))
	for name, size := range sizes {
		if name = unescape(name); name == "" {
			name = noPackage
		}
		all = append(all, PackageSize{name, *size})
	}
	slices.SortFunc(all, func(a, b PackageSize) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Package, b.Package))
	})
	return all
}

// shortName reads the beginning of a function name, enough for its package.
func (p *program) shortName(buf []byte, at uint32) []byte {
	for n := 128; n <= len(buf); n *= 4 {
		b := buf[:min(uint64(n), p.table.namesEnd-min(p.table.namesEnd, p.table.names+uint64(at)))]
		if !p.m.read(p.table.names+uint64(at), b) {
			return nil
		}
		if end := bytes.IndexByte(b, 0); end >= 0 {
			return b[:end]
		}
		if len(b) < n {
			return nil
		}
	}
	return nil
}

// packagePrefix is the package of a function as it is written in its name, see packageOf. Functions that compare or hash
// a type belong to the type's package. Source: cmd/compile/internal/reflectdata/alg.go.
func packagePrefix(name []byte) []byte {
	for _, made := range []string{"type:.eq.", "type:.hash.", "type..eq.", "type..hash."} {
		name = bytes.TrimPrefix(name, []byte(made))
	}
	end := len(name)
	if i := bytes.IndexAny(name, "[({"); i >= 0 {
		end = i
	}
	slash := bytes.LastIndexByte(name[:end], '/') + 1
	dot := bytes.IndexByte(name[slash:end], '.')
	if dot < 0 {
		return nil
	}
	return name[:slash+dot]
}

// maxPaths is how many directories of the builder are named.
const maxPaths = 8

// paths returns the builder's directories in the table of source files: GOROOT, the module cache, and the topmost
// directories of all else. With -trimpath no source file has an absolute path.
func (p *program) paths() []string {
	dirs := map[string]bool{}
	var rest []byte
	err := p.m.walk(p.table.files, p.table.pctab-p.table.files, 0, func(_ uint64, b []byte, n int) {
		for b = b[:n]; len(b) > 0; {
			end := bytes.IndexByte(b, 0)
			if end < 0 {
				rest = append(rest, b[:min(len(b), maxPath)]...)
				return
			}
			name := b[:end]
			if len(rest) > 0 {
				name = append(rest, name...)
				rest = rest[:0]
			}
			if b = b[end+1:]; len(name) > 0 && name[0] == '/' && len(name) <= maxPath && len(dirs) < maxSections {
				dirs[builderDir(string(name))] = true
			}
		}
	})
	if err != nil {
		return nil
	}
	return topmost(dirs)
}

// topmost leaves out directories below others, and goes up from the deepest until there are few.
func topmost(dirs map[string]bool) []string {
	for {
		var all []string
		deepest := 0
		for dir := range dirs {
			if !belowAny(dirs, dir) {
				all = append(all, dir)
				deepest = max(deepest, strings.Count(dir, "/"))
			}
		}
		if len(all) <= maxPaths || deepest < 2 {
			slices.Sort(all)
			return all[:min(len(all), maxPaths)]
		}
		dirs = map[string]bool{}
		for _, dir := range all {
			if strings.Count(dir, "/") == deepest {
				dir = path.Dir(dir)
			}
			dirs[dir] = true
		}
	}
}

// belowAny says whether a directory is below one of others.
func belowAny(dirs map[string]bool, dir string) bool {
	for up := path.Dir(dir); up != "/"; up = path.Dir(up) {
		if dirs[up] {
			return true
		}
	}
	return false
}

// builderDir is the directory that a source file's path tells about: the module cache, GOROOT, or its own.
func builderDir(name string) string {
	if i := strings.Index(name, "/pkg/mod/"); i >= 0 {
		return path.Clean(name[:i+len("/pkg/mod")])
	}
	if i := strings.Index(name, "/src/"); i > 0 && isStandard(name[i+len("/src/"):]) {
		return path.Clean(name[:i])
	}
	return path.Dir(path.Clean(name))
}
