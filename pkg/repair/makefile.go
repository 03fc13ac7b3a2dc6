package repair

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// MakeBuild is a go build in a Makefile, as far as its text tells it. Nothing is run.
type MakeBuild struct {
	At       string   // "Makefile:9"
	Packages []string // as written; none is the directory of the Makefile
	Tags     []string // of -tags
	Values   []string // of -X in -ldflags: "main.version=1.2.3"
	Lost     []string // flags that are not understood, or whose values are known only when make runs
}

// What is read of a Makefile at most.
const (
	maxMakefile = 1 << 20  // bytes
	maxRecipes  = 5000     // lines that are commands
	maxValue    = 4 << 10  // bytes of a variable's value; a longer one is not known
	maxExpanded = 16 << 10 // bytes of a command whose variables are still put in
)

// ReadMake reads the builds of the Makefile in a directory; none without one.
// Source: the GNU make manual, "What Name to Give Your Makefile", "How to Use Variables", "Recipe Syntax".
func ReadMake(root fs.FS) []MakeBuild {
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		f, err := root.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxMakefile))
		if err != nil {
			return nil
		}
		return readMake(name, string(text))
	}
	return nil
}

var makeAssign = lazyregexp.New(`^\s*(export\s+|override\s+)*([A-Za-z_][A-Za-z0-9_.-]*)\s*(\?=|:=|::=|\+=|=)\s*(.*)$`)

// makefile is what was read so far.
type makefile struct {
	values  map[string]string
	unknown map[string]bool // assigned under a condition, or by what only make can do
}

func readMake(name, text string) []MakeBuild {
	m := &makefile{values: map[string]string{}, unknown: map[string]bool{}}
	type recipe struct {
		at   int
		text string
	}
	var recipes []recipe
	depth, number := 0, 0
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		number = i + 1
		for strings.HasSuffix(line, "\\") && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, "\\") + " " + strings.TrimLeft(lines[i], " \t")
		}
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case strings.HasPrefix(line, "\t") && len(recipes) < maxRecipes:
			recipes = append(recipes, recipe{number, strings.TrimLeft(line, "\t @-+")})
		case slices.Contains([]string{"ifeq", "ifneq", "ifdef", "ifndef", "define"}, word):
			depth++
		case word == "endif" || word == "endef":
			depth--
		default:
			m.assign(line, depth > 0)
		}
	}
	var builds []MakeBuild
	for _, r := range recipes {
		text := m.expand(r.text)
		script, err := dockerfile.ParseShell(strings.ReplaceAll(text, "$$", "$"))
		if err != nil {
			if strings.Contains(text, "go build") {
				builds = append(builds, MakeBuild{At: fmt.Sprintf("%s:%d", name, r.at), Lost: []string{"a command that cannot be read"}})
			}
			continue
		}
		for _, c := range script.Commands {
			if len(c.Args) > 1 && path.Base(c.Args[0].Value) == "go" && (c.Args[1].Value == "build" || c.Args[1].Value == "install") {
				b := MakeBuild{At: fmt.Sprintf("%s:%d", name, r.at)}
				b.environment(m, c.Assigns)
				b.flags(c.Args[2:])
				builds = append(builds, b)
			}
		}
	}
	return builds
}

// assign takes a line that gives a variable its value.
func (m *makefile) assign(line string, conditional bool) {
	all := makeAssign.FindStringSubmatch(line)
	if all == nil {
		return
	}
	name, how, value := all[2], all[3], strings.TrimSpace(all[4])
	if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	switch _, had := m.values[name]; {
	case conditional, len(value) > maxValue, len(m.values[name]) > maxValue:
		m.unknown[name] = true
	case how == "+=" && had:
		m.values[name] += " " + value
	case how == "?=" && had:
	case how == ":=" || how == "::=":
		m.values[name] = m.expand(value)
	default:
		m.values[name] = value
	}
}

// expand puts in the values of variables; what is not known stays as it stands.
func (m *makefile) expand(text string) string {
	for range 16 {
		if len(text) > maxExpanded {
			break
		}
		next := m.expandOnce(text)
		if next == text {
			break
		}
		text = next
	}
	return text
}

func (m *makefile) expandOnce(text string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || i+1 == len(text) {
			out.WriteString(text)
			return out.String()
		}
		end := 0
		switch text[i+1] {
		case '(':
			end = strings.IndexByte(text[i:], ')')
		case '{':
			end = strings.IndexByte(text[i:], '}')
		}
		if end <= 0 { // $$, or the name of one letter
			out.WriteString(text[:i+2])
			text = text[i+2:]
			continue
		}
		out.WriteString(text[:i])
		name := text[i+2 : i+end]
		if value, ok := m.values[name]; ok && !m.unknown[name] && len(value) <= maxValue {
			out.WriteString(value)
		} else {
			out.WriteString(text[i : i+2]) // a variable may stand in it
			end = 1
		}
		text = text[i+end+1:]
	}
}

// environment takes what the go command sees of its variables: those that a generated file does not decide by itself.
func (b *MakeBuild) environment(m *makefile, assigns []dockerfile.Assign) {
	decided := []string{"CGO_ENABLED", "GOOS", "GOARCH", "GOARM", "GO111MODULE", "GOPROXY", "GOPRIVATE", "GOBIN", "GOCACHE"}
	for _, a := range assigns {
		if strings.HasPrefix(a.Name, "GOFLAGS") {
			b.goflags(a.Value.Value)
		} else if (strings.HasPrefix(a.Name, "GO") || strings.HasPrefix(a.Name, "CGO_")) && !slices.Contains(decided, a.Name) {
			b.Lost = append(b.Lost, a.Name+"="+a.Value.Value)
		}
	}
	if value, ok := m.values["GOFLAGS"]; ok {
		b.goflags(m.expand(value))
	}
}

func (b *MakeBuild) goflags(text string) {
	script, err := dockerfile.ParseShell("go " + text)
	if err != nil || len(script.Commands) != 1 {
		b.Lost = append(b.Lost, "GOFLAGS="+text)
		return
	}
	b.flags(script.Commands[0].Args[1:])
	b.Packages = nil
}

// idle are flags that change nothing in a generated build: it has them, go sets them itself, or they only talk.
var idle = []string{"-trimpath", "-v", "-x", "-a", "-i", "-mod=vendor", "-mod=readonly", "-buildvcs=false", "-buildvcs=auto"}

// flags reads the words behind go build.
func (b *MakeBuild) flags(words []dockerfile.ShellWord) {
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		text := w.Value
		if strings.HasPrefix(text, "--") {
			text = text[1:]
		}
		name, value, has := strings.Cut(text, "=")
		literal := w.Literal
		switch {
		case !strings.HasPrefix(text, "-") && !literal && len(words) > 0 && strings.HasPrefix(words[0].Value, "-"):
			b.Lost = append(b.Lost, text) // a variable that holds flags
		case !strings.HasPrefix(text, "-"):
			b.Packages = append(b.Packages, text)
		case slices.Contains(idle, text):
		case slices.Contains([]string{"-o", "-tags", "-ldflags", "-p", "-mod", "-C", "-gcflags", "-asmflags", "-buildmode", "-pgo", "-overlay", "-pkgdir", "-toolexec", "-installsuffix"}, name):
			if !has && len(words) > 0 {
				value, literal, words = words[0].Value, words[0].Literal, words[1:]
			}
			b.flag(name, value, literal)
		default:
			b.Lost = append(b.Lost, text)
		}
	}
}

// flag takes a flag with its value over, or says that it is lost.
func (b *MakeBuild) flag(name, value string, literal bool) {
	switch {
	case name == "-o" || name == "-p" || name+"="+value == "-mod=vendor" || name+"="+value == "-mod=readonly":
		return
	case name == "-tags" && literal:
		b.Tags = append(b.Tags, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })...)
		return
	case name == "-ldflags" && literal && b.ldflags(value):
		return
	}
	b.Lost = append(b.Lost, name+"="+value)
}

// stampable are values of -X that need no quoting of any kind but for spaces.
var stampable = lazyregexp.New(`^[A-Za-z0-9_./~-]+=[A-Za-z0-9_.,:/@+ -]*$`)

// ldflags takes the linker's flags over, all of them or none.
func (b *MakeBuild) ldflags(text string) bool {
	script, err := dockerfile.ParseShell("go " + text)
	if err != nil || len(script.Commands) != 1 {
		return false
	}
	var values []string
	args := script.Commands[0].Args[1:]
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i].Value, "-X=")
		switch {
		case !args[i].Literal:
			return false
		case args[i].Value == "-s" || args[i].Value == "-w":
			continue
		case args[i].Value == "-X" && i+1 < len(args) && args[i+1].Literal:
			i++
			value = args[i].Value
		case !joined:
			return false
		}
		if !stampable.MatchString(value) {
			return false
		}
		values = append(values, value)
	}
	b.Values = append(b.Values, values...)
	return true
}

// Builds reports whether it is the build of a main package: named, or the only thing that the Makefile can mean.
func (b MakeBuild) Builds(dir string) bool {
	if len(b.Packages) == 0 {
		return dir == "."
	}
	return slices.ContainsFunc(b.Packages, func(p string) bool {
		p = path.Clean(p)
		return p == dir || path.Ext(p) == ".go" && path.Dir(p) == dir || p == "..." || strings.HasSuffix(p, "/...") && strings.HasPrefix(dir+"/", strings.TrimSuffix(p, "..."))
	})
}
