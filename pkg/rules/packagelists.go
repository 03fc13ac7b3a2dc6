package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var packageListsKept = &audit.Rule{
	ID:       "package-lists-kept",
	Title:    "the package manager's lists stay in the image",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "apt-get update without removing /var/lib/apt/lists, apk add without --no-cache, dnf, microdnf and yum install without clean all, in a RUN whose layer is in the final image and that has no cache mount there. Build stages do not matter.",
		Why:    "The lists are of no use at run time and out of date within days: some 20 MB of Debian's, 2 MB of Alpine's. A later RUN cannot remove them from the layer.",
		Unless: "Packages are to be installed in the running container.",
	},
	Check: checkPackageLists,
}

// lists is what a package manager leaves behind.
type lists struct {
	programs []string
	verbs    []string // that fetch the lists
	dirs     []string // where they are
	removed  *lazyregexp.Regexp
	removal  string // what removes them at the end of a script, "" if there is an option instead
}

var packageLists = []lists{
	{[]string{"apt-get", "apt"}, []string{"update"}, []string{"/var/lib/apt/lists", "/var/lib/apt"}, lazyregexp.New(`/var/lib/apt|/var/lib/\{apt|dist-clean|distclean`), "rm -rf /var/lib/apt/lists/*"},
	{[]string{"apk"}, []string{"add"}, []string{"/var/cache/apk", "/etc/apk/cache"}, lazyregexp.New(`--no-cache|/var/cache/apk|/etc/apk/cache|--cache-dir|/var/cache/\*`), ""},
	{[]string{"dnf", "microdnf", "yum"}, []string{"install", "update", "upgrade", "makecache"}, []string{"/var/cache", "/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"}, lazyregexp.New(`clean +all|/var/cache|clean +metadata`), "dnf clean all"},
}

func checkPackageLists(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		s := in.Script()
		if in.Run == nil || s == nil || stageReach(p, stage) != ships {
			return
		}
		for _, l := range packageLists {
			k := slices.IndexFunc(s.Commands, l.fetches)
			if k < 0 || l.removed.MatchString(in.Run.Script) || slices.ContainsFunc(l.dirs, func(dir string) bool { return mountOver(in, dir) != nil || mountOver(in, dir+"/partial") != nil }) {
				continue
			}
			c := s.Commands[k]
			what := c.Args[0].Value
			f := audit.Finding{
				Message:  fmt.Sprintf("%s keeps its lists in the image", what),
				Evidence: []audit.Evidence{p.At(in, "%s fetches them, and nothing in this RUN removes them", text(c))},
				Remedy:   "Remove them in the same RUN: " + l.removal,
				Fix:      l.fix(p, stage, in, s),
			}
			if l.removal == "" {
				f.Remedy = "Install with apk add --no-cache"
			}
			p.Report(p.BlameSpan(in, in.At(c.Span)).Of(f))
			return
		}
	})
}

// text is the beginning of a command.
func text(c dockerfile.ShellCommand) string {
	words := []string{}
	for _, w := range c.Args[:min(2, len(c.Args))] {
		words = append(words, w.Value)
	}
	return strings.Join(words, " ")
}

// fetches reports whether a command brings the lists.
func (l lists) fetches(c dockerfile.ShellCommand) bool {
	return slices.Contains(l.programs, c.Args[0].Value) && slices.ContainsFunc(c.Args[1:], func(w dockerfile.ShellWord) bool { return slices.Contains(l.verbs, w.Value) })
}

// fix removes the lists at the end of the script, or has apk keep none. Only where no later RUN installs from them.
func (l lists) fix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, s *dockerfile.Script) *audit.Fix {
	if l.removal == "" {
		return noCacheFix(p, in, s)
	}
	if slices.Contains(l.programs, "dnf") || len(in.Heredocs) > 0 || in.JSON || !runsAsRootAt(stage, in) {
		return nil
	}
	for _, other := range p.Dockerfile.Stages {
		for _, o := range other.Instructions {
			if startsFrom(other, stage) && (other != stage || o.Index > in.Index) && o.Run != nil && installsFromLists(o, l) {
				return nil
			}
		}
	}
	last := s.Commands[len(s.Commands)-1]
	if last.Span.End.Offset != len(in.Run.Script) || last.Form != dockerfile.FormSimple && last.Form != dockerfile.FormAnd && last.Form != dockerfile.FormSequence {
		return nil
	}
	at := in.At(last.Span)
	if at.IsZero() || strings.Contains(in.Run.Script, "||") || at.End.Offset != in.Span.End.Offset {
		return nil
	}
	return &audit.Fix{Title: "Remove the lists in the same RUN", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: dockerfile.Span{Start: at.End, End: at.End}, New: " && " + l.removal}}}
}

// installsFromLists reports whether a RUN may install packages without fetching the lists first.
func installsFromLists(in *dockerfile.Instruction, l lists) bool {
	s := in.Script()
	if s == nil {
		return true
	}
	for _, c := range s.Commands {
		switch {
		case l.fetches(c):
			return false
		case slices.Contains(l.programs, c.Args[0].Value), !slices.Contains(harmless, c.Args[0].Value):
			return true
		}
	}
	return false
}

// noCacheFix gives apk add the option that keeps no list, and takes apk update away, which it makes needless.
func noCacheFix(p *audit.Pass, in *dockerfile.Instruction, s *dockerfile.Script) *audit.Fix {
	fix := &audit.Fix{Title: "Install without keeping the lists", Safety: audit.Safe}
	for k, c := range s.Commands {
		if c.Args[0].Value != "apk" {
			continue
		}
		verb := slices.IndexFunc(c.Args, func(w dockerfile.ShellWord) bool { return w.Value == "add" || w.Value == "update" })
		if verb < 0 {
			continue
		}
		at := in.At(c.Args[verb].Span)
		if at.IsZero() || p.Dockerfile.Text(at) != c.Args[verb].Value {
			return nil
		}
		if c.Args[verb].Value == "add" {
			fix.Edits = append(fix.Edits, dockerfile.Edit{Span: dockerfile.Span{Start: at.End, End: at.End}, New: " --no-cache"})
			continue
		}
		if k+1 == len(s.Commands) || len(c.Args) != 2 {
			return nil
		}
		gone := dockerfile.Span{Start: in.At(c.Span).Start, End: in.At(s.Commands[k+1].Span).Start}
		if between := p.Dockerfile.Text(dockerfile.Span{Start: in.At(c.Span).End, End: gone.End}); strings.Trim(between, " \t\r\n"+string(p.Dockerfile.Escape)) != "&&" {
			return nil
		}
		fix.Edits = append(fix.Edits, dockerfile.Edit{Span: gone})
	}
	return fix
}
