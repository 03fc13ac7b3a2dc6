package report

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/secret"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

func (f *ImageFacts) text(b *strings.Builder) {
	fmt.Fprintf(b, "image %s\n", printable(f.Ref))
	c := f.Config
	columns(b, [][]string{
		{"source", f.Source},
		{"digest", f.Digest},
		{"platform", f.Platform.String()},
		{"starts", fmt.Sprintf("%q", f.Process.Argv)},
		{"program", orNone(f.Process.Program)},
		{"fault", orNone(f.Process.Message)},
		{"user", userText(f)},
		{"working directory", orNone(c.WorkingDir)},
		{"stop signal", orNone(c.StopSignal)},
		{"environment", environmentText(c.Env)},
		{"built from", baseImageText(f.Base)},
	})
	fmt.Fprintln(b, "layers")
	lines := [][]string{}
	for i, l := range f.Layers {
		lines = append(lines, []string{fmt.Sprint(i), fmt.Sprintf("%d bytes", l.TarSize), blameText(f.Blame[i]), shorten(strings.Join(strings.Fields(l.CreatedBy), " "), 90)})
	}
	columns(b, lines)
	if f.Storage != nil {
		f.Storage.text(b, f.Blame)
	}
}

func userText(f *ImageFacts) string {
	if f.Identity.Err != "" {
		return fmt.Sprintf("%q: %s", f.Identity.User, f.Identity.Err)
	}
	return fmt.Sprintf("%q, uid %d, gid %d", f.Identity.User, f.Identity.UID, f.Identity.GID)
}

// environmentText lists variables without the values that are secrets: what is printed ends in logs.
func environmentText(env []string) string {
	var shown []string
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		if secret.In(value) != "" || secret.Named(key) && secret.Real(value) && !secret.Placeholder(value) {
			kv = key + "=(a secret)"
		}
		shown = append(shown, kv)
	}
	return strings.Join(shown, " ")
}

// baseImageText says what an image was built from, as its builder noted it.
func baseImageText(b *layers.Base) string {
	switch {
	case b == nil:
		return "-"
	case b.Layers == 0:
		return orNone(b.Name)
	}
	return fmt.Sprintf("%s (%s)", orNone(b.Name), plural(b.Layers, "layer"))
}

func blameText(l LayerFacts) string {
	switch {
	case l.Line == 0 && l.Base:
		return "base image"
	case l.Line == 0:
		return "line unknown"
	}
	if l.Blame.Kind == "base-image" {
		return fmt.Sprintf("base image, line %d", l.Line)
	}
	return fmt.Sprintf("line %d", l.Line)
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (f *BinaryFacts) text(b *strings.Builder) {
	started := ""
	if f.Entry {
		started = " (started)"
	}
	fmt.Fprintf(b, "binary %s%s\n", printable(f.Path), started)
	lines := [][]string{}
	if g := f.Go; g != nil {
		lines = append(lines, []string{"go", g.Version}, []string{"module", mainModule(g)}, []string{"cgo", orNone(g.Settings["CGO_ENABLED"])})
	} else {
		lines = append(lines, []string{"go", "not built by Go"})
	}
	if f.Opaque != "" {
		lines = append(lines, []string{"opaque", f.Opaque})
	}
	lines = append(lines, elfLines(f.ELF)...)
	if f.Linking != nil && f.Linking.Failure != "" {
		lines = append(lines, []string{"loading fails", f.Linking.Failure})
	}
	signals, listens := yesNo(f.Signals.Notify), yesNo(f.Server.Listens)
	if f.Opaque != "" {
		signals, listens = "unknown", "unknown"
	}
	lines = append(lines, []string{"handles signals", signals}, []string{"listens", listens})
	for _, x := range f.Features {
		lines = append(lines, []string{"built in", x.Name})
	}
	columns(b, lines)
	needs := "needs"
	if f.Opaque != "" {
		needs = "needs, as far as the loader knows; others are unknown"
	}
	fmt.Fprintln(b, needs)
	for _, n := range f.Needs {
		fmt.Fprintf(b, "  %s\n", printable(strings.TrimSpace(fmt.Sprintf("%s %s (%s)", n.Topic, strings.Join(n.Names, ", "), n.Certainty))))
		for _, e := range n.Evidence {
			fmt.Fprintf(b, "    - %s\n", printable(e.Text))
			if len(e.Path) > 1 {
				fmt.Fprintf(b, "      %s\n", printable(callChain(e.Path)))
			}
		}
	}
	buildText(b, f.Go)
	layoutText(b, &f.Layout, f.Size)
}

func elfLines(e *binary.ELF) [][]string {
	if e == nil {
		return nil
	}
	kind := e.Type
	if e.PIE {
		kind += ", position independent"
	}
	return [][]string{
		{"elf", fmt.Sprintf("%s, %d bit, %s", e.Machine, e.Class, kind)},
		{"loader", orNone(e.Interpreter)},
		{"libraries", orNone(strings.Join(e.Needed, ", "))},
	}
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func (f *StageFacts) text(b *strings.Builder) {
	fmt.Fprintf(b, "dockerfile %s\n", printable(f.Path))
	lines := [][]string{}
	for _, s := range f.Stages {
		name := s.Name
		if name == "" {
			name = fmt.Sprint(s.Index)
		}
		base := baseText(s)
		notes := []string{}
		if s.Final {
			notes = append(notes, "final")
		}
		if !s.Reachable {
			notes = append(notes, "not needed for the target")
		}
		if len(s.Builds) > 0 {
			notes = append(notes, "builds "+strings.Join(s.Builds, ", "))
		}
		if len(s.Hidden) > 0 {
			notes = append(notes, "what "+strings.Join(s.Hidden, ", ")+" builds is unknown")
		}
		lines = append(lines, []string{fmt.Sprintf("line %d", s.Line), name, "from " + base, strings.Join(notes, "; ")})
	}
	columns(b, lines)
	for _, m := range f.Missing {
		fmt.Fprintf(b, "  no value for --build-arg %s, on which %s in line %d depends\n", printable(m.Name), m.Instruction, m.Line)
	}
	for _, name := range f.Undeclared {
		fmt.Fprintf(b, "  --build-arg %s is declared by no ARG\n", printable(name))
	}
}

func baseText(s Stage) string {
	switch {
	case s.FromStage != nil:
		return fmt.Sprintf("stage %s", s.BaseRaw)
	case s.Base == "":
		return s.BaseRaw + " (not known before the build)"
	}
	return s.Base
}
