package rules

import (
	"fmt"
	"go/version"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var environmentLeftover = &audit.Rule{
	ID:       "environment-leftover",
	Title:    "the final image's environment has settings of building or debugging",
	Severity: audit.Warning,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "GODEBUG that makes the runtime or the standard library print (gctrace, schedtrace, inittrace, http2debug, netdns with a number) is a warning; GOTRACEBACK=none and 0, which hide the stack of a panic, too. GOTRACEBACK=crash, which leaves a core dump, GOMAXPROCS as a constant for a program of Go 1.25 or later, which follows the container's CPU limit by itself, and variables that only the go command reads (GOFLAGS, GOPROXY, GOSUMDB and their kin), in an image without it, are notes.",
		Why:    "They were set for a build or for one afternoon. The log fills with traces (http2debug=2 prints every header, tokens included), a panic in production says nothing, or the program keeps 4 threads on every machine.",
		Unless: "The image is meant for debugging.",
	},
	Check: checkLeftover,
}

// commandOnly are variables that only the go command reads. Source: go help environment.
var commandOnly = []string{"GOFLAGS", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOTOOLCHAIN", "GOCACHE", "GOMODCACHE", "GOWORK", "GO111MODULE", "CGO_ENABLED", "GOARCH", "GOOS"}

func checkLeftover(p *audit.Pass) {
	prog := entryGo(p)
	if p.Image != nil && prog == nil {
		return // whether these variables mean anything to the program is not known
	}
	if p.Image == nil && (p.Dockerfile.Final() == nil || isGolang(p.Dockerfile.Final().Root().Base)) {
		return
	}
	checkDebugging(p)
	switch v, _ := runtimeEnv(p, "GOTRACEBACK"); v {
	case "none", "0":
		reportLeftover(p, audit.Warning, fmt.Sprintf("GOTRACEBACK=%s: a panic leaves no stack to find it by", v), "Leave it out", "GOTRACEBACK")
	case "crash":
		reportLeftover(p, audit.Note, "GOTRACEBACK=crash: a panic ends with SIGABRT, which may write the memory to disk", "Leave it out, or use GOTRACEBACK=all", "GOTRACEBACK")
	}
	if v, ok := runtimeEnv(p, "GOMAXPROCS"); ok && prog != nil && validRuntimeEnv("GOMAXPROCS", v) && version.Compare(prog.Go.Release(), "go1.25") >= 0 {
		reportLeftover(p, audit.Note, fmt.Sprintf("GOMAXPROCS=%s is fixed in the image: without it the runtime follows the CPU limit of the container", v), "Leave it out, or set it when deploying", "GOMAXPROCS")
	}
	checkCommandOnly(p)
}

// checkDebugging reports the settings of GODEBUG that print. With others beside them there is no fix.
func checkDebugging(p *audit.Pass) {
	v, _ := runtimeEnv(p, "GODEBUG")
	settings := strings.Split(v, ",")
	var loud, what []string
	for _, setting := range settings {
		if w := prints(setting); w != "" {
			loud, what = append(loud, strings.TrimSpace(setting)), append(what, w)
		}
	}
	if len(loud) == 0 {
		return
	}
	f := leftover(p, audit.Warning, fmt.Sprintf("GODEBUG has %s: %s", listed(loud), listed(what)), "Leave it out; set it when deploying, for the time it is needed", "GODEBUG")
	if len(loud) < len(settings) {
		f.Fix = nil
	}
	p.Report(envCause(p, "GODEBUG").Of(f))
}

// prints says what a setting of GODEBUG makes the program print, "" for nothing. Source: the doc comments of packages
// runtime, net/http and net.
func prints(setting string) string {
	key, value, _ := strings.Cut(strings.TrimSpace(setting), "=")
	if value == "" || value == "0" {
		return ""
	}
	switch key {
	case "gctrace", "schedtrace", "inittrace", "scavtrace", "gcpacertrace":
		return "the runtime prints a line at every " + map[string]string{"gctrace": "collection", "schedtrace": "so many milliseconds", "inittrace": "package's start", "scavtrace": "return of memory", "gcpacertrace": "collection"}[key]
	case "http2debug":
		if value == "2" {
			return "net/http prints every HTTP/2 frame and header, tokens included"
		}
		return "net/http prints what happens on HTTP/2 connections"
	case "netdns":
		if strings.ContainsAny(value, "12") {
			return "package net prints how each name is looked up"
		}
	}
	return ""
}

// checkCommandOnly reports the variables of the go command together, by the line that sets the first.
func checkCommandOnly(p *audit.Pass) {
	if p.Image != nil && p.Image.FS != nil {
		if _, err := p.Image.FS.Resolve("/usr/local/go/bin/go"); err == nil {
			return // the go command is there
		}
	}
	byCause := map[string][]string{}
	var order []string
	for _, key := range commandOnly {
		if v, ok := runtimeEnv(p, key); !ok || v == "" {
			continue
		}
		c := envCause(p, key)
		at := ""
		if c.Location != nil {
			at = fmt.Sprint(c.Location.Line)
		}
		if byCause[at] == nil {
			order = append(order, at)
		}
		byCause[at] = append(byCause[at], key)
	}
	for _, at := range order {
		keys := byCause[at]
		verb := "is a setting"
		if len(keys) > 1 {
			verb = "are settings"
		}
		reportLeftover(p, audit.Note, fmt.Sprintf("%s %s of the go command, which the image does not have", listed(keys), verb), "Set them in the build stage alone", keys...)
	}
}

// leftover is a finding about variables.
func leftover(p *audit.Pass, s audit.Severity, message, remedy string, keys ...string) audit.Finding {
	f := audit.Finding{Severity: s, Message: message, Remedy: remedy, Fix: removeEnv(p, keys)}
	for _, key := range keys {
		v, _ := runtimeEnv(p, key)
		e := audit.Seen(audit.LevelImage, "%s=%s is in the final image's environment", key, v)
		if p.Image == nil {
			e.Level = audit.LevelText
		}
		f.Evidence = append(f.Evidence, e)
	}
	return f
}

func reportLeftover(p *audit.Pass, s audit.Severity, message, remedy string, keys ...string) {
	p.Report(envCause(p, keys[0]).Of(leftover(p, s, message, remedy, keys...)))
}

// removeEnv removes variables from the ENV lines that set them, if the lines can be told and no RUN that builds reads
// them: an ENV of one variable with its line, a word of several with the blank before it.
func removeEnv(p *audit.Pass, keys []string) *audit.Fix {
	if fits, _ := p.DockerfileFits(); !fits || buildsGo(p.Dockerfile.Final()) != nil {
		return nil
	}
	var edits []dockerfile.Edit
	for _, key := range keys {
		v, ok := dockerfileEnv(p, key)
		if !ok || v.By == nil || v.By.Keyword != "ENV" || v.By.Stage != p.Dockerfile.Final() || setTwice(v.By.Stage, key) {
			return nil
		}
		switch {
		case allIn(v.By, keys):
			span := wholeLine(p.Dockerfile, v.By.Span)
			if !slices.ContainsFunc(edits, func(e dockerfile.Edit) bool { return e.Span == span }) {
				edits = append(edits, dockerfile.Edit{Span: span})
			}
		default:
			span := v.Span
			i := slices.IndexFunc(v.By.Words, func(w dockerfile.Word) bool { return w.Span == v.Span })
			if i < 1 || v.By.Words[i-1].Span.End.Line != span.Start.Line || p.Dockerfile.Source[span.Start.Offset-1] != ' ' {
				return nil
			}
			span.Start.Offset--
			span.Start.Column--
			edits = append(edits, dockerfile.Edit{Span: span})
		}
	}
	return &audit.Fix{Title: "Remove " + listed(keys) + " from the final stage", Safety: audit.Safe, Edits: edits}
}

// allIn reports whether an ENV sets nothing but these variables.
func allIn(in *dockerfile.Instruction, keys []string) bool {
	for _, w := range in.Words {
		key, _, _ := strings.Cut(w.Value, "=")
		if !slices.Contains(keys, key) {
			return false
		}
	}
	return true
}

// setTwice reports whether several ENV of a stage set a variable: without the last, an earlier one would count.
func setTwice(s *dockerfile.Stage, key string) bool {
	n := 0
	for _, in := range s.Instructions {
		if in.Keyword != "ENV" {
			continue
		}
		for _, w := range in.Words {
			if k, _, _ := strings.Cut(w.Value, "="); k == key {
				n++
			}
		}
	}
	return n > 1
}

// wholeLine is a span with the end of its last line.
func wholeLine(f *dockerfile.File, sp dockerfile.Span) dockerfile.Span {
	if sp.End.Offset < len(f.Source) && f.Source[sp.End.Offset] == '\r' {
		sp.End.Offset++
		sp.End.Column++
	}
	if sp.End.Offset < len(f.Source) && f.Source[sp.End.Offset] == '\n' {
		sp.End = dockerfile.Position{Line: sp.End.Line + 1, Column: 1, Offset: sp.End.Offset + 1}
	}
	return sp
}
