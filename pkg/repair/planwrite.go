package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// zoneArchive is the zone data that every golang image has.
const zoneArchive = "/usr/local/go/lib/time/zoneinfo.zip"

// facts finds out what the program needs that the shipped base lacks and the golang image has.
func (m *splitter) facts() error {
	g := &generator{plan: m.plan, base: m.base()}
	prog := m.s.Entry()
	switch {
	case prog != nil && prog.Binary != nil && prog.Opaque == "" && path.Base(prog.Path) == path.Base(m.start.program):
		g.Binary = prog.Binary
		g.binaryDemands()
		if !m.dropped && !m.opens(prog) {
			m.plan.Safety = audit.Safe
		}
	default:
		m.sourceFacts(g)
	}
	if d, ok := g.need(binary.TopicExec); ok {
		if g.Binary == nil || len(d.names) == 0 {
			return m.refuse(m.start.by, "the program starts other programs (%s), and which it finds in the golang image is not known", d.because)
		}
		for _, name := range d.names {
			if !slices.Contains([]string{"sh", "cat", "ls", "bash"}, path.Base(name)) || m.musl && name == "bash" {
				return m.refuse(m.start.by, "the program starts %s (%s), and which package has that is not known", name, d.because)
			}
		}
	}
	installed := slices.ContainsFunc(m.packages, func(p string) bool { return strings.HasPrefix(p, "ca-certificates") })
	if d, ok := g.need(binary.TopicCARoots); ok && !m.musl && !installed {
		m.needs = append(m.needs, copyFrom(d.serving(), m.name, bundle, bundle))
	}
	zones := slices.ContainsFunc(m.packages, func(p string) bool { return strings.HasPrefix(p, "tzdata") })
	if d, ok := g.need(binary.TopicZoneinfo); ok && !zones {
		m.needs = append(m.needs, copyFrom(d.serving()+"; every golang image has the zones here", m.name, zoneArchive, "/zoneinfo.zip"), line("", "ENV", "ZONEINFO=/zoneinfo.zip"))
	}
	if slices.ContainsFunc(m.final.Env, func(v dockerfile.EnvVar) bool { return v.Key == "TZ" }) && !zones {
		if m.musl {
			return m.refuse(m.start.by, "TZ names a time zone, and whether the golang image has it is not known: install tzdata")
		}
		m.packages = append(m.packages, "tzdata")
	}
	return nil
}

// opens reports whether the program opens files by absolute paths that the shipped stage may lack.
func (m *splitter) opens(prog *audit.Program) bool {
	n, ok := prog.Need(binary.TopicFiles)
	return ok && slices.ContainsFunc(n.Names, func(name string) bool {
		return !slices.ContainsFunc(m.files, func(f string) bool { return name == f || strings.HasPrefix(name, f+"/") }) && !underMounts(name)
	})
}

// sourceFacts tells the needs by the source.
func (m *splitter) sourceFacts(g *generator) {
	mains := m.mains()
	if len(mains) == 0 {
		g.assume("its source was not read")
		return
	}
	main := mains[0]
	if i := slices.IndexFunc(mains, func(x source.Main) bool { return x.Name == path.Base(m.start.program) }); i >= 0 {
		main = mains[i]
	}
	if len(mains) > 1 { // it is not known which of them it is
		for _, x := range mains {
			main.Imports = append(main.Imports, x.Imports...)
		}
	}
	g.Main = &main
	uses, err := source.UsesOf(m.s.Context.FS, main, UsesNames)
	if err != nil {
		g.assume("its source was not read")
		return
	}
	g.Uses = uses
	g.sourceDemands()
}

// write plans the two stages.
func (m *splitter) write() {
	source := m.f.Source
	m.plan.Notes = nil
	if strings.Contains(string(source), "\r\n") {
		m.plan.EOL = "\r\n"
	}
	m.plan.Before = string(source[:m.final.From.Span.Start.Offset])
	lower := m.f.Text(m.final.From.Span)[:4] == "from"
	from := m.f.Text(m.final.From.Span)
	if m.final.Name == "" {
		as := " AS "
		if lower {
			as = " as "
		}
		from += as + m.name
	}
	build := Stage{Verbatim: from, Name: m.name}
	ship := Stage{From: m.base(), Serves: []string{"the service: the program and what it reads, without the tools that built it"}, Lower: lower}
	if m.musl {
		ship.Serves = append(ship.Serves, "loader: the build stage is Alpine, and so is this one")
	}
	var late []Step
	at := m.final.From.Span.End.Offset
	for _, in := range m.final.Instructions {
		lead := string(source[at:in.Span.Start.Offset])
		text := m.f.Text(in.Span)
		at = in.Span.End.Offset
		own := Step{Verbatim: above(lead) + text}
		switch {
		case m.moved[in] && in == m.start.by && m.start.command != nil:
			late = append(late, Step{Verbatim: strings.TrimRight(above(lead), "\n")}, exec("the program that go run made anew at each start", in.Keyword, m.start.command...))
		case m.moved[in]:
			late = append(late, own)
		case m.repeated[in] && (in.Keyword == "COPY" || in.Keyword == "ADD"):
			build.add(Step{Verbatim: strings.TrimPrefix(strings.TrimPrefix(lead, "\r"), "\n") + text})
			ship.add(Step{Verbatim: text})
		default:
			build.add(Step{Verbatim: strings.TrimPrefix(strings.TrimPrefix(lead, "\r"), "\n") + text})
			if m.repeated[in] {
				late = append(late, Step{Verbatim: text})
			}
		}
	}
	if rest := strings.TrimSpace(string(source[at:])); rest != "" {
		late = append(late, Step{Verbatim: rest})
	}
	build.add(m.generate...)
	m.provide(&ship)
	ship.add(late...)
	m.plan.Stages = append(m.plan.Stages, build, ship)
}

// above are the comment lines above an instruction, each with its line end, and the indentation of the instruction.
func above(lead string) string {
	var out strings.Builder
	for l := range strings.Lines(lead) {
		if strings.HasPrefix(strings.TrimSpace(l), "#") {
			out.WriteString(l)
		}
	}
	return out.String()
}

// provide plans what the shipped stage is made of before its settings.
func (m *splitter) provide(ship *Stage) {
	if len(m.packages) > 0 {
		slices.Sort(m.packages)
		list := strings.Join(slices.Compact(m.packages), " ")
		if m.musl {
			ship.add(run("packages that the run needs", nil, "apk add --no-cache "+list))
		} else {
			ship.add(run("packages that the run needs", nil, "apt-get update", "apt-get install -y --no-install-recommends "+list, "rm -rf /var/lib/apt/lists/*"))
		}
	}
	if m.final.WorkDir.Value != "" {
		ship.add(line("", "WORKDIR", m.final.WorkDir.Value))
	}
	ship.Steps = append(ship.Steps, m.needs...)
	ship.add(copyFrom("", m.name, m.start.program, m.start.to))
	for i, name := range m.files {
		serves := ""
		if i == 0 {
			serves = "files of the source that the program may read when it runs"
		}
		ship.add(copyFrom(serves, m.name, name, name))
	}
	if len(m.prepare) > 0 {
		ship.add(run("directories and users, as the build stage has them", nil, m.prepare...))
	}
}
