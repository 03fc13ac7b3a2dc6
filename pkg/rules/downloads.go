package rules

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// verifiers are programs that compare a file with what it should be.
var verifiers = lazyregexp.New(`\b(sha(1|224|256|384|512)?sums?|shasum|md5sum|b2sum|gpgv?|cosign|minisign|signify|slsa-verifier|openssl +dgst|gh +attestation)\b`)

// interpreters are programs that run what they read.
var interpreters = []string{"sh", "bash", "ash", "dash", "zsh", "python", "python3", "perl", "sudo", "node"}

// checkDownloads finds what a RUN downloads and then runs or unpacks without a look at it. One finding says it.
func checkDownloads(p *audit.Pass, in *dockerfile.Instruction, s *dockerfile.Script) {
	if verifiers.MatchString(in.Run.Script) {
		return
	}
	for k, c := range s.Commands {
		if c.Args[0].Value != "curl" && c.Args[0].Value != "wget" || slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool {
			return slices.Contains(looseOptions[c.Args[0].Value], w.Value) || shortOption(w.Value, 'k')
		}) {
			continue // checkLoose says worse of it
		}
		url := remoteWord(c)
		what := usedAs(s.Commands[k+1:], c, in.Run.Script)
		if url == "" || what == "" {
			continue
		}
		f := audit.Finding{
			Severity: audit.Note,
			Message:  fmt.Sprintf("%s gets %s, which the build %s without comparing it with a checksum or signature", c.Args[0].Value, url, what),
			Evidence: []audit.Evidence{p.At(in, "no checksum or signature is looked at in this RUN")},
			Remedy:   "Name a version in the URL and compare the file with its checksum: echo \"SHA256  FILE\" | sha256sum -c -",
		}
		if plainHTTP(url) {
			f.Severity = audit.Warning
			f.Message = fmt.Sprintf("%s gets %s without encryption, and the build %s it: whoever is on the way decides what it is", c.Args[0].Value, url, what)
		}
		p.Report(p.BlameSpan(in, in.At(c.Span)).Of(f))
		return
	}
}

// remoteWord is the URL of a download, "" if there is none.
func remoteWord(c dockerfile.ShellCommand) string {
	for _, w := range c.Args[1:] {
		if text := strings.Trim(w.Value, `"'`); strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
			return text
		}
	}
	return ""
}

// plainHTTP reports whether a URL is fetched without TLS from another machine.
func plainHTTP(url string) bool {
	host, ok := strings.CutPrefix(url, "http://")
	return ok && !strings.HasPrefix(host, "localhost") && !strings.HasPrefix(host, "127.")
}

// usedAs says what the commands behind a download do with it: "runs", "unpacks", or "" if neither is seen.
func usedAs(after []dockerfile.ShellCommand, c dockerfile.ShellCommand, script string) string {
	if c.Form == dockerfile.FormPipe && len(after) > 0 && after[0].Form == dockerfile.FormPipe {
		switch next := path.Base(after[0].Args[0].Value); {
		case slices.Contains(interpreters, next):
			return "runs"
		case next == "tar" || next == "bsdtar" || next == "cpio":
			return "unpacks"
		}
	}
	if c.Form == dockerfile.FormOther {
		if before := script[:c.Span.Start.Offset]; regexp.MustCompile(`\b(sh|bash) -c ["']?\$\($`).MatchString(before) {
			return "runs"
		}
	}
	file := savedAs(c)
	if file == "" {
		return ""
	}
	for _, next := range after {
		if !slices.ContainsFunc(next.Args, func(w dockerfile.ShellWord) bool { return path.Base(w.Value) == path.Base(file) }) {
			continue
		}
		switch name := path.Base(next.Args[0].Value); {
		case slices.Contains(interpreters, name), name == path.Base(file), name == "chmod" && makesExecutable(next), name == "dpkg", name == "rpm":
			return "runs"
		case name == "tar", name == "unzip", name == "bsdtar":
			return "unpacks"
		}
	}
	return ""
}

func makesExecutable(c dockerfile.ShellCommand) bool {
	return slices.ContainsFunc(c.Args[1:], func(w dockerfile.ShellWord) bool {
		return strings.Contains(w.Value, "+x") || strings.Contains(w.Value, "+rx") || regexp.MustCompile(`^[0-7]*[1357][0-7]{0,2}$`).MatchString(w.Value)
	})
}

// savedAs is the file that a download is written to, "" if it goes to the standard output or that is not known.
func savedAs(c dockerfile.ShellCommand) string {
	for k, w := range c.Args[1:] {
		next := ""
		if k+2 < len(c.Args) {
			next = c.Args[k+2].Value
		}
		switch {
		case c.Args[0].Value == "curl" && (w.Value == "--output" || isShort(w.Value) && strings.HasSuffix(w.Value, "o")),
			c.Args[0].Value == "wget" && (w.Value == "-O" || isShort(w.Value) && strings.HasSuffix(w.Value, "O")):
			if next == "-" {
				return ""
			}
			return next
		case strings.HasPrefix(w.Value, "--output-document="):
			return strings.TrimPrefix(w.Value, "--output-document=")
		}
	}
	remoteName := c.Args[0].Value == "wget" || slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool {
		return w.Value == "--remote-name" || isShort(w.Value) && strings.HasSuffix(w.Value, "O")
	})
	if remoteName {
		return path.Base(remoteWord(c))
	}
	return ""
}

// isShort reports whether a word is a group of short options.
func isShort(word string) bool { return len(word) > 1 && word[0] == '-' && word[1] != '-' }

// checkRemoteAdd finds an ADD of a URL without --checksum. git repositories have their commits.
func checkRemoteAdd(p *audit.Pass, in *dockerfile.Instruction) {
	if in.Copy == nil || flagValue(in, "checksum") != "" {
		return
	}
	for k, src := range in.Copy.Sources {
		if !strings.HasPrefix(src, "http://") && !strings.HasPrefix(src, "https://") || strings.Contains(src, ".git") {
			continue
		}
		at := in.Span
		if k < len(in.Words) {
			at = in.Words[k].Span
		}
		f := audit.Finding{
			Severity: audit.Note,
			Message:  fmt.Sprintf("ADD gets %s without --checksum: another file there is another image", src),
			Evidence: []audit.Evidence{p.At(in, "no --checksum stands in this ADD")},
			Remedy:   "Write ADD --checksum=sha256:..",
		}
		if plainHTTP(src) {
			f.Severity = audit.Warning
			f.Message = fmt.Sprintf("ADD gets %s without encryption or --checksum: whoever is on the way decides what it is", src)
		}
		p.Report(p.BlameSpan(in, at).Of(f))
	}
}
