package rules

import (
	"fmt"
	"go/version"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var resolverFallback = &audit.Rule{
	ID:       "resolver-fallback",
	Title:    "the program resolves names through libc, whose configuration asks for libraries that the image lacks",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that links libc's getaddrinfo, in an image with glibc or with glibc linked in: every source of the hosts line of /etc/nsswitch.conf but files and dns, which glibc brings, is a library libnss_NAME.so.2.",
		Why:    "glibc passes over a source that it cannot load, without a word: names that only this source knows are not found. Go's own resolver does not know such sources, so they are what makes it ask libc.",
		Unless: "No name comes from that source.",
		Messages: []string{
			"*lookup *: device or resource busy*",
			"*lookup *: Temporary failure in name resolution*",
		},
	},
	Check: checkResolver,
}

// nssDirectories are where glibc's loader finds the libraries of NSS, beside those of its cache.
var nssDirectories = []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64"}

func checkResolver(p *audit.Pass) {
	p.Needing(binary.TopicResolver, func(prog *audit.Program, n binary.Need) {
		if !slices.Contains(n.Names, binary.ResolverCgo) {
			p.Judge(prog, n, true, "Go's own resolver in "+prog.Path, nil)
			return
		}
		if !(prog.Linking != nil && prog.Linking.Has == binary.Glibc) && !staticGlibc(prog) {
			return // musl reads no such configuration
		}
		const config = "/etc/nsswitch.conf"
		var missing, searched []string
		for _, source := range nameServices(p, "hosts") {
			if source == "files" || source == "dns" {
				continue
			}
			if places, ok := findNSS(p, source); !ok {
				missing, searched = append(missing, source), append(searched, places...)
			}
		}
		p.Judge(prog, n, len(missing) == 0, config, searched)
		if len(missing) == 0 {
			return
		}
		library := "libnss_" + missing[0] + ".so.2"
		var fix *audit.Fix
		if g := goLineOf(p, prog); g != nil { // what Go's resolver does not know, this image's glibc passes over
			fix = fixOf("Build with -tags netgo", audit.Safe, g.tag("netgo"))
		}
		p.Report(p.BlamePath(config).Of(audit.Finding{
			Certainty: atMostLikely(n.Certainty),
			Message:   fmt.Sprintf("%s resolves names through libc, and %s asks for %s, whose library %s is not in the image", prog.Path, config, strings.Join(missing, ", "), library),
			Evidence: append(audit.FromBinary(n.Evidence, 2),
				audit.Seen(audit.LevelImage, "hosts: %s in %s", strings.Join(nameServices(p, "hosts"), " "), config),
				audit.Seen(audit.LevelImage, "searched %s", searchedText(searched))),
			Path:   config,
			Remedy: "Build with -tags netgo, or CGO_ENABLED=0, or write \"hosts: files dns\"",
			Fix:    fix,
		}))
	})
}

// staticGlibc reports whether glibc is linked into the program: sections of its own are there. It loads the libraries of
// NSS all the same. Observed with glibc 2.36.
func staticGlibc(prog *audit.Program) bool {
	return prog.ELF != nil && prog.ELF.Interpreter == "" && slices.ContainsFunc(prog.Layout.Sections, func(s binary.Section) bool {
		return s.Name == "__libc_IO_vtables" || s.Name == "__libc_freeres_fn"
	})
}

// atMostLikely lowers what is proven.
func atMostLikely(c audit.Certainty) audit.Certainty {
	if c == audit.Proven {
		return audit.Likely
	}
	return c
}

// findNSS looks for the library of a source.
func findNSS(p *audit.Pass, source string) (places []string, ok bool) {
	name := "libnss_" + source + ".so.2"
	for _, dir := range nssDirectories {
		for _, sub := range []string{"", "x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "i386-linux-gnu"} {
			place := path.Join(dir, sub, name)
			if _, err := p.Image.FS.Resolve(place); err == nil {
				return nil, true
			}
			if sub == "" {
				places = append(places, place)
			}
		}
	}
	return places, false
}

// nameServices are the sources of a database in /etc/nsswitch.conf, without their reactions; nil if it has none.
// Source: nsswitch.conf(5).
func nameServices(p *audit.Pass, database string) []string {
	const most = 64 << 10
	f, err := p.Image.FS.Open("etc/nsswitch.conf")
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if strings.TrimSpace(name) != database {
			continue
		}
		var sources []string
		inside := false
		for _, word := range strings.Fields(rest) {
			inside = inside || strings.HasPrefix(word, "[")
			if !inside {
				sources = append(sources, word)
			}
			inside = inside && !strings.HasSuffix(word, "]")
		}
		return sources
	}
	return nil
}

var nameServiceSwitchMissing = &audit.Rule{
	ID:       "name-service-switch-missing",
	Title:    "a program of an old Go asks DNS before /etc/hosts, because /etc/nsswitch.conf is missing",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that looks up host names, was built by a Go before 1.16, and finds no /etc/nsswitch.conf in the image.",
		Why:    "Go before 1.16 then did as glibc would: DNS first, the entries of /etc/hosts only when DNS knows no answer. Since 1.16 files come first (golang.org/issue/35305).",
		Unless: "No name of /etc/hosts is in DNS with another address, and DNS always answers.",
	},
	Check: checkNameServiceSwitch,
}

func checkNameServiceSwitch(p *audit.Pass) {
	const config = "/etc/nsswitch.conf"
	p.Needing(binary.TopicResolver, func(prog *audit.Program, n binary.Need) {
		if prog.Go == nil || !version.IsValid(prog.Go.Version) || version.Compare(prog.Go.Version, "go1.16") >= 0 {
			return
		}
		if _, err := p.Image.FS.Resolve(config); err == nil {
			return
		}
		p.Report(p.BlameAbsence(config).Of(audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s was built by %s, which asks DNS before /etc/hosts in an image without %s", prog.Path, prog.Go.Version, config),
			Evidence:  append(audit.FromBinary(n.Evidence, 2), audit.Seen(audit.LevelImage, "searched %s: not found", config)),
			Path:      config,
			Remedy:    "Build with a supported Go, or write \"hosts: files dns\" into /etc/nsswitch.conf",
			Fix:       writeNameServices(p, config),
		}))
	})
}

// writeNameServices writes what newer releases do without the file, as a here-document.
func writeNameServices(p *audit.Pass, config string) *audit.Fix {
	fits, _ := p.DockerfileFits()
	if !fits || !clear(p, config) || oldSyntax.MatchString(p.Dockerfile.Syntax) || lineEnd(p.Dockerfile.Source) != "\n" {
		return nil
	}
	return fixOf("Write "+config, audit.Safe, intoFinal(p, "COPY <<EOF "+config, "hosts: files dns", "EOF"))
}
