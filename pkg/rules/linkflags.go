package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var staticFlagIneffective = &audit.Rule{
	ID:       "static-flag-ineffective",
	Title:    "build flags that are meant to link statically and do not",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go build lines with -ldflags '-extldflags \"-static\"' but without -linkmode external, and with -a or -installsuffix. With CGO_ENABLED=0 the flag changes nothing. With cgo, a program whose only cgo packages are net and os/user is linked internally, so the external linker's flag is not used either. It is an error when the program in the image is dynamic all the same and has no loader; a note otherwise.",
		Why:    "The line looks as if it made a static program. -a only rebuilds the standard library, every time.",
		Unless: "The program has C code of its own: then the linker is external and the flag works.",
	},
	Check: checkLinkFlags,
}

func checkLinkFlags(p *audit.Pass) {
	for _, stage := range p.Dockerfile.Stages {
		for _, in := range stage.Instructions {
			if in.Run == nil {
				continue
			}
			for _, b := range in.Run.Builds {
				checkBuildFlags(p, in, b)
			}
		}
	}
}

func checkBuildFlags(p *audit.Pass, in *dockerfile.Instruction, b dockerfile.GoBuild) {
	var idle []string
	var at dockerfile.Span
	var edits []dockerfile.Edit
	g, whole := &goLine{p, in, &b}, !in.JSON
	remove := func(f dockerfile.GoFlag) {
		e := g.drop(f)
		edits, whole = append(edits, e...), whole && e != nil
	}
	mark := func(text string, f dockerfile.GoFlag) {
		idle = append(idle, text)
		if at.IsZero() || f.Span.Start.Offset < at.Start.Offset {
			at = f.Span
		}
	}
	f := audit.Finding{
		Severity: audit.Note,
		Remedy:   "Remove the flags; CGO_ENABLED=0 links statically by itself",
	}
	if flag, ok := b.Flag("ldflags"); ok && asksStatic(flag.Value) && !strings.Contains(flag.Value, "linkmode external") && !strings.Contains(flag.Value, "linkmode=external") {
		prog := builtBy(p, in)
		switch cgo, known := b.Env["CGO_ENABLED"]; {
		case prog != nil && prog.ELF.Interpreter == "" && cgo != "0":
			// the flag may have worked: C code of its own means external linking
		case known && cgo == "0":
			mark(`-extldflags "-static" (CGO_ENABLED=0 is static already)`, flag)
			e := g.dropStatic(flag)
			edits, whole = append(edits, e...), whole && e != nil
		case prog != nil:
			mark(`-extldflags "-static" (the program is dynamic all the same)`, flag)
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelBinary, "%s wants the loader %s", prog.Path, prog.ELF.Interpreter))
			if prog.Linking != nil && prog.Linking.InterpreterPath == "" {
				f.Severity = audit.Error
			}
			e := g.dropStatic(flag)
			edits, whole = append(edits, e...), whole && e != nil && onlyStandardCgo(prog)
		default:
			mark(`-extldflags "-static" (not used unless the program has C code of its own)`, flag)
			f.Certainty, whole = audit.Possible, false
		}
	}
	if flag, ok := b.Flag("a"); ok {
		mark("-a (rebuilds what the cache has)", flag)
		remove(flag)
	}
	if flag, ok := b.Flag("installsuffix"); ok {
		mark("-installsuffix (keeps apart what -a rebuilds)", flag)
		remove(flag)
	}
	if len(idle) == 0 {
		return
	}
	if whole {
		f.Fix = fixOf("Remove the flags that change nothing", audit.Safe, edits)
	}
	f.Message = "build flags that change nothing in the program: " + strings.Join(idle, ", ")
	f.Evidence = append([]audit.Evidence{p.At(in, "the line builds with %s", fmt.Sprintf("CGO_ENABLED=%s", cgoText(b)))}, f.Evidence...)
	p.Report(p.BlameSpan(in, at).Of(f))
}

// dropStatic removes -extldflags -static from the linker's flags, and -ldflags itself if it says nothing else.
func (g *goLine) dropStatic(f dockerfile.GoFlag) []dockerfile.Edit {
	text := g.Dockerfile.Text(f.Span)
	m := staticOnly.FindStringIndex(text)
	if g.count("ldflags") > 1 || m == nil {
		return nil
	}
	if rest := strings.Trim(ldflagsName.ReplaceAllString(text[:m[0]]+text[m[1]:], ""), " \t\"'"); rest == "" {
		return g.drop(f)
	}
	return []dockerfile.Edit{{Span: partOf(text, f.Span, m[0], m[1])}}
}

// staticOnly finds -extldflags with nothing but -static, in whatever quotes, with the blanks before it or, if it is the
// first, behind it.
var (
	staticOnly  = lazyregexp.New(`[ \t]+-extldflags[ =](-static|"-static"|'-static'|\\"-static\\")|-extldflags[ =](-static|"-static"|'-static'|\\"-static\\")[ \t]*`)
	ldflagsName = lazyregexp.New(`^--?ldflags`)
)

func cgoText(b dockerfile.GoBuild) string {
	if v, ok := b.Env["CGO_ENABLED"]; ok {
		return v
	}
	return "unset (1 where a C compiler is found)"
}

// asksStatic reports whether -ldflags hand -static to the external linker.
func asksStatic(ldflags string) bool {
	_, after, ok := strings.Cut(ldflags, "-extldflags")
	return ok && strings.Contains(after, "-static") && !strings.Contains(after, "-static-libgcc")
}

// builtBy returns the program of the image that a RUN's go build made, nil if it is not known.
func builtBy(p *audit.Pass, in *dockerfile.Instruction) *audit.Program {
	if p.Image == nil {
		return nil
	}
	for _, prog := range p.Programs {
		if c := p.BlameBuild(prog); c.By == in && prog.ELF != nil {
			return prog
		}
	}
	return nil
}
