package rules

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

var cgoWithoutCompiler = &audit.Rule{
	ID:       "cgo-without-compiler",
	Title:    "go build needs cgo and its stage has no C compiler, or cgo is off",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go build with CGO_ENABLED=1 on the golang Alpine image (likely: on plain alpine, debian and ubuntu) where no line above installs or copies a C compiler; certain when the source is there and the program has a package that needs it: net, os/user, its own C, -race. And the reverse, when the source is there: a program whose C it cannot do without (its own, or that of go-sqlite3 and other bindings), built with CGO_ENABLED=0, or on that image without a compiler, where go turns cgo off by itself.",
		Why:    "With CGO_ENABLED=1 the build stops. With cgo off it stops too, or worse, it links a stub: the program starts and fails at the first query.",
		Unless: "The program is meant to work without that package.",
		Messages: []string{
			`cgo: C compiler "*" not found: exec: "*": executable file not found in $PATH`,
			"build constraints exclude all Go files in *",
		},
	},
	Check: checkCgo,
}

// compilers are packages that bring a C compiler that go finds as gcc, cc or clang.
var compilers = []string{"gcc", "g++", "build-base", "alpine-sdk", "clang", "build-essential", "cc", "musl-tools", "zig", "tcc"}

func checkCgo(p *audit.Pass) {
	seen := map[*dockerfile.Stage]bool{}
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		cc, other := b.Env["CC"]
		if seen[stage] || slices.Contains(b.Unknown, "CGO_ENABLED") || slices.Contains(b.Unknown, "CC") || other && cc != "gcc" && cc != "" || unusual(b) {
			return
		}
		compiler, sure := compilerIn(stage, in)
		switch cgo, set := b.Env["CGO_ENABLED"]; {
		case set && cgo == "1" && compiler == absentThere:
			seen[stage] = reportNoCompiler(p, stage, in, b, sure)
		case set && cgo == "0", cgo == "" && compiler == absentThere && sure:
			seen[stage] = reportCgoOff(p, stage, in, b, set && cgo == "0")
		}
	})
}

// unusual reports whether a build is for another system, or of another module.
func unusual(b dockerfile.GoBuild) bool {
	goos := b.Env["GOOS"]
	return goos != "" && goos != "linux" || slices.ContainsFunc(b.Packages, func(s string) bool { return strings.Contains(s, "@") })
}

// compilerIn says whether a stage has a C compiler at a RUN; sure is true when its base image is known exactly.
func compilerIn(stage *dockerfile.Stage, in *dockerfile.Instruction) (has presence, sure bool) {
	base := stage.Root().Base
	switch {
	case isDebianGolang(base):
		return presentThere, true
	case isAlpineGolang(base):
		return provides(stage, in, compilers...), true
	case official(base, "alpine", "debian", "ubuntu"):
		return provides(stage, in, compilers...), false
	}
	return unsure, false
}

// reportNoCompiler says that CGO_ENABLED=1 has no compiler.
func reportNoCompiler(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild, sure bool) bool {
	why, certainty := cgoNeed(p, stage, in, b)
	if certainty == "" {
		return false
	}
	if !sure {
		certainty = audit.Likely
	}
	f := audit.Finding{
		Certainty: certainty,
		Message:   fmt.Sprintf("go build runs with CGO_ENABLED=1 in %s, which has no C compiler", stageName(stage)),
		Evidence: []audit.Evidence{
			p.At(stage.Root().From, "%s has no C compiler, and no line above go build installs one", shortBase(stage.Root())),
			why,
		},
		Words:  `cgo: C compiler "gcc" not found: exec: "gcc": executable file not found in $PATH`,
		Remedy: "Install gcc and the headers of the C library (apk add gcc musl-dev), or build with CGO_ENABLED=0 if the program needs no C",
	}
	if isAlpineGolang(stage.Root().Base) && endsOnMusl(p, b) {
		f.Fix = apkFix(p, stage, in, "gcc musl-dev", "Install a C compiler")
	}
	p.Report(p.BlameSpan(in, b.Span).Of(f))
	return true
}

// libcPackages are the packages of the standard library that have C in them or import one that has, unless a tag takes it
// away. Source: go list -deps with CGO_ENABLED=1.
var libcPackages = lazyregexp.New(`^(crypto/tls|expvar|log/syslog|net|net/(http|rpc|smtp|mail|textproto)(/.*)?|os/user|plugin|runtime/(cgo|race))$`)

// cgoNeed says why a build with cgo needs a compiler, and how sure that is; "" if it surely needs none.
func cgoNeed(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) (audit.Evidence, audit.Certainty) {
	if _, race := b.Flag("race"); race {
		return p.At(in, "-race needs C"), audit.Proven
	}
	pure := strings.Contains(tagsOf(b), "netgo")
	mains := mainsOf(p, stage, in, b)
	without := len(mains) > 0 // surely, nothing that is linked has C
	for _, m := range mains {
		if m.Cgo {
			return audit.Seen(audit.LevelText, "%s has C that it cannot do without", m.ImportPath), audit.Proven
		}
		k := slices.IndexFunc(m.Imports, libcPackages.MatchString)
		if k >= 0 && !pure {
			return audit.Seen(audit.LevelText, "%s imports %s, which is compiled with C when cgo is on", m.ImportPath, m.Imports[k]), audit.Proven
		}
		without = without && k < 0 && !slices.ContainsFunc(m.Imports, isForeign)
	}
	if pure || without {
		return audit.Evidence{}, ""
	}
	return audit.Seen(audit.LevelText, "net and os/user are compiled with C when cgo is on"), audit.Likely
}

// isForeign reports whether an import path is none of the standard library's.
func isForeign(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}

// tagsOf are the build tags of a command, with those of GOFLAGS.
func tagsOf(b dockerfile.GoBuild) string {
	flag, _ := b.Flag("tags")
	if strings.Contains(b.Env["GOFLAGS"], "-tags") {
		return flag.Value + " " + b.Env["GOFLAGS"]
	}
	return flag.Value
}

// endsOnMusl reports whether a program linked against musl starts in the final image: that is Alpine, or the link is
// static.
func endsOnMusl(p *audit.Pass, b dockerfile.GoBuild) bool {
	ldflags, _ := b.Flag("ldflags")
	base := p.Dockerfile.Final().Root().Base
	return official(base, "alpine") || isAlpineGolang(base) ||
		asksStatic(ldflags.Value) && regexp.MustCompile(`linkmode[ =]external`).MatchString(ldflags.Value)
}

// reportCgoOff says that a program which needs cgo is built without.
func reportCgoOff(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild, written bool) bool {
	if e := p.Entry(); e != nil && e.Go != nil {
		return false // the program is here, and cgo-stub-linked looks into it
	}
	for _, m := range mainsOf(p, stage, in, b) {
		if !m.Cgo {
			continue
		}
		f := audit.Finding{
			Certainty: audit.Likely,
			Message:   fmt.Sprintf("go build leaves out the C that %s cannot do without", m.ImportPath),
			Evidence:  []audit.Evidence{p.At(in, "CGO_ENABLED=0 turns cgo off")},
			Remedy:    "Build with CGO_ENABLED=1, a C compiler and the libc of the final image, or use a package that is written in Go",
		}
		if !written {
			f.Evidence = []audit.Evidence{p.At(stage.Root().From, "%s has no C compiler: go turns cgo off by itself", shortBase(stage.Root()))}
			if endsOnMusl(p, b) {
				f.Fix = apkFix(p, stage, in, "gcc musl-dev", "Install a C compiler, with which cgo is on")
			}
		}
		switch k := slices.IndexFunc(m.Imports, source.NeedsCgo); {
		case k < 0:
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "a package of the program has only files that use C"))
			f.Words = "build constraints exclude all Go files"
			if tagsOf(b) == "" {
				f.Certainty = audit.Proven
			}
		case strings.HasSuffix(m.Imports[k], "/go-sqlite3"):
			f.Message = fmt.Sprintf("go build leaves cgo out, and %s links the stub of %s", m.ImportPath, m.Imports[k])
			f.Words = "Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub"
			if at := opensSQLite(p.Context.FS); at != "" && tagsOf(b) == "" {
				f.Certainty = audit.Proven
				f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "%s opens a database with it", at))
			}
			fallthrough
		default:
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "%s imports %s, which is nothing without C", m.ImportPath, m.Imports[k]))
		}
		if f.Fix != nil && f.Certainty != audit.Proven {
			f.Fix.Safety = audit.Unsafe
		}
		p.Report(p.BlameSpan(in, b.Span).Of(f))
		return true
	}
	return false
}

// sqliteOpened is a database opened with the driver's name.
var sqliteOpened = lazyregexp.New(`\b(Must)?(Open|Connect|OpenDB|NewEngine|ConnectContext)\((\w+, *)?"sqlite3"`)

// opensSQLite is a file of the module that opens a database with go-sqlite3's name, "" if none does.
func opensSQLite(root fs.FS) string {
	const most = 5000 // files
	found, n := "", 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base[0] == '.' || base[0] == '_' || base == "vendor" || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case n > most:
			return fs.SkipAll
		case d.Type().IsRegular() && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go"):
			if n++; sqliteOpened.MatchString(head(root, name)) {
				found = name
				return fs.SkipAll
			}
		}
		return nil
	})
	if err != nil {
		return "" // what cannot be read proves nothing
	}
	return found
}
