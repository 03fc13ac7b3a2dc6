package dockerfile

import (
	"path"
	"slices"
	"strings"
)

// goVariables are the variables that go build looks at (go help environment, cmd/go/internal/cfg).
var goVariables = []string{
	"AR", "CC", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_ENABLED", "CGO_FFLAGS", "CGO_LDFLAGS", "CXX", "FC",
	"GCCGO", "GO111MODULE", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOAUTH", "GOBIN", "GOCACHE",
	"GOCACHEPROG", "GODEBUG", "GOENV", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOINSECURE", "GOMIPS", "GOMIPS64",
	"GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOOS", "GOPATH", "GOPPC64", "GOPRIVATE", "GOPROXY", "GORISCV64", "GOROOT",
	"GOSUMDB", "GOTMPDIR", "GOTOOLCHAIN", "GOVCS", "GOWASM", "GOWORK", "GO_EXTLINK_ENABLED", "PKG_CONFIG",
}

// switches are the flags of go build that take no value unless one is given with "=" (go help build).
var switches = map[string]bool{
	"a": true, "asan": true, "buildvcs": true, "cover": true, "i": true, "json": true, "linkshared": true,
	"modcacherw": true, "msan": true, "n": true, "race": true, "trimpath": true, "v": true, "work": true, "x": true,
}

// goCommand reads a command line whose program is go, args[0]; ok is false if it builds nothing.
func (w *walker) goCommand(args []argument, span Span) (b GoBuild, ok bool) {
	dir := w.dir
	args = args[1:]
	for len(args) > 0 && isFlag(args[0].text) {
		name, value, rest, found := takeFlag(args)
		if !found || name != "C" {
			return b, false
		}
		dir, args = dir.join(value), rest
	}
	if len(args) == 0 || !args[0].known || args[0].value != "build" && args[0].value != "install" {
		return b, false
	}
	b.Verb, b.Span = args[0].value, span
	b.Env, b.Unknown = w.goEnvironment()
	var output *argument
	args = args[1:]
	for len(args) > 0 && (isFlag(args[0].text) || maybeFlags(args)) {
		if args[0].text == "--" {
			args = args[1:]
			break
		}
		if !isFlag(args[0].text) {
			args = args[1:]
			continue
		}
		name, value, rest, found := takeFlag(args)
		if !found {
			break
		}
		flag := GoFlag{Name: name, Value: value.text, Expanded: value.value, Known: value.known, HasValue: value.text != "" || strings.Contains(args[0].text, "="), Span: Span{Start: args[0].span.Start, End: value.span.End}}
		b.Flags, args = append(b.Flags, flag), rest
		switch name {
		case "C":
			dir = dir.join(value)
		case "o":
			output = &value
		}
	}
	var packages []argument
	for _, a := range args {
		b.Packages = append(b.Packages, a.text)
		packages = append(packages, a)
	}
	b.Dir = dir.name
	b.Output = w.output(b, dir, output, packages)
	return b, true
}

func isFlag(s string) bool { return len(s) > 1 && s[0] == '-' }

// maybeFlags reports whether args[0] is a variable that must hold flags, or nothing: flags follow it.
func maybeFlags(args []argument) bool {
	return !args[0].known && strings.HasPrefix(args[0].text, "$") && len(args) > 1 && isFlag(args[1].text)
}

// takeFlag reads -name, -name=value or -name value; found is false if a value is missing.
func takeFlag(args []argument) (name string, value argument, rest []argument, found bool) {
	first := args[0]
	text := strings.TrimPrefix(strings.TrimPrefix(first.text, "-"), "-")
	name, after, hasValue := strings.Cut(text, "=")
	value = argument{span: first.span, known: true}
	switch {
	case hasValue:
		value.text = after
		_, value.value, _ = strings.Cut(first.value, "=")
		value.known = first.known
	case switches[name]:
	case len(args) == 1:
		return name, value, nil, false
	default:
		return name, args[1], args[2:], true
	}
	return name, value, args[1:], true
}

// goEnvironment gives what go sees of its variables, and the names of those whose value is not known.
func (w *walker) goEnvironment() (env map[string]string, unknowns []string) {
	env = map[string]string{}
	for _, name := range goVariables {
		switch b := w.scope.lookup(name); {
		case b.local:
		case b.kind == known:
			env[name] = b.value
		case b.kind == unknown, b.kind == asked:
			unknowns = append(unknowns, name)
		default:
			if value, ok := w.goEnv[name]; ok {
				env[name] = value
			}
		}
	}
	return env, unknowns
}

// output is where a build writes: the file, or a directory with a slash at the end when the name in it is not known; ""
// if nothing is known, or nothing is written.
func (w *walker) output(b GoBuild, dir directory, flag *argument, packages []argument) string {
	name := executable(packages)
	if name != "" && b.Env["GOOS"] == "windows" {
		name += ".exe"
	}
	switch {
	case b.Verb == "install":
		bin := b.Env["GOBIN"]
		if bin == "" && b.Env["GOPATH"] != "" {
			bin = path.Join(b.Env["GOPATH"], "bin")
		}
		if !path.IsAbs(bin) || slices.Contains(b.Unknown, "GOBIN") {
			return ""
		}
		return path.Join(bin, name) + slashIf(name == "")
	case flag == nil:
		if name == "" || !dir.known {
			return ""
		}
		return path.Join(dir.name, name)
	}
	to := dir.join(*flag)
	if !to.known || flag.value == "" {
		return ""
	}
	isDir := strings.HasSuffix(flag.value, "/") || strings.HasSuffix(flag.value, "/.") || flag.value == "." || w.made[to.name]
	if !isDir {
		return to.name
	}
	return path.Join(to.name, name) + slashIf(name == "" && to.name != "/")
}

func slashIf(yes bool) string {
	if yes {
		return "/"
	}
	return ""
}

// executable is the name that go gives the program of one package, "" if it depends on the module or there are several
// (DefaultExecName in cmd/go/internal/load/pkg.go: the last element of the import path, or the one before a major
// version; for a list of files, the first one's name).
func executable(packages []argument) string {
	if len(packages) == 0 || !packages[0].known {
		return ""
	}
	first := packages[0].value
	if strings.HasSuffix(first, ".go") {
		return strings.TrimSuffix(path.Base(first), ".go")
	}
	first, _, _ = strings.Cut(first, "@")
	elements := strings.Split(path.Clean(first), "/")
	last := elements[len(elements)-1]
	if len(packages) > 1 || strings.Contains(first, "...") || last == "." || last == ".." {
		return ""
	}
	if isMajorVersion(last) {
		if len(elements) < 2 || elements[len(elements)-2] == "." || elements[len(elements)-2] == ".." {
			return ""
		}
		return elements[len(elements)-2]
	}
	return last
}

// isMajorVersion reports whether a path element is v2, v3, ...
func isMajorVersion(s string) bool {
	digits, ok := strings.CutPrefix(s, "v")
	if !ok || digits == "" || digits[0] == '0' || digits == "1" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// directory is a working directory that may be unknown.
type directory struct {
	name  string
	known bool
}

// join is the directory or file that an argument names, seen from d.
func (d directory) join(to argument) directory {
	switch {
	case !to.known:
		return directory{}
	case path.IsAbs(to.value):
		return directory{path.Clean(to.value), true}
	case !d.known:
		return directory{}
	}
	return directory{path.Join(d.name, to.value), true}
}
