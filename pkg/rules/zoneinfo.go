package rules

import (
	"fmt"
	"go/version"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var zoneinfoMissing = &audit.Rule{
	ID:       "zoneinfo-missing",
	Title:    "the program loads named time zones, but the image has no zoneinfo",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "Every zone name that the program gives to time.LoadLocation as a constant is looked up as Go does: $ZONEINFO, the zoneinfo directories, lib/time/zoneinfo.zip of the GOROOT compiled into the program. For names known only at run time it asks for any zone at all. Embedded time/tzdata meets the need.",
		Why:    "LoadLocation returns an error, and a location that is nil after an ignored error panics. It works on the laptop and in the golang image because a program built without -trimpath finds the zoneinfo.zip of its builder's GOROOT.",
		Unless: "The zone data is mounted at run time.",
		Messages: []string{
			"unknown time zone *",
			"*panic: time: missing Location in call to *",
		},
	},
	Check: checkZoneinfo,
}

// anyZones are looked up when the program's zone names are not known: an image with zone data has one of them.
var anyZones = []string{"Etc/UTC", "Europe/London", "America/New_York", "Asia/Tokyo"}

func checkZoneinfo(p *audit.Pass) {
	p.Needing(binary.TopicZoneinfo, func(prog *audit.Program, n binary.Need) {
		if f, ok := prog.Feature(binary.FeatureTZData); ok {
			p.Judge(prog, n, true, f.Name+" in "+prog.Path, nil)
			return
		}
		missing, found := lookupZones(p, prog, n.Names)
		if len(missing.zones) == 0 {
			p.Judge(prog, n, true, found, nil)
			return
		}
		p.Judge(prog, n, false, "", missing.searched)
		what := "time zones by names it gets at run time, but the image has no zoneinfo"
		words := "unknown time zone"
		if len(n.Names) > 0 {
			what = fmt.Sprintf("the time zone %s, but the image has no zoneinfo for it", strings.Join(missing.zones, ", "))
			words = "unknown time zone " + missing.zones[0]
			if slices.ContainsFunc(missing.searched, func(place string) bool { return isFile(p, place) && path.Ext(place) != ".zip" }) {
				words = "malformed time zone information"
			}
		}
		f := audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s loads %s", prog.Path, what),
			Evidence: append(audit.FromBinary(n.Evidence, 3),
				audit.Seen(audit.LevelImage, "searched %s", searchedText(missing.searched))),
			Path:   prog.Path,
			Words:  words,
			Remedy: "Build with -tags timetzdata, or copy /usr/share/zoneinfo from a stage that has it",
		}
		if words != "malformed time zone information" { // a broken file is found before the embedded zones
			f.Fix, f.Remedy = zonesFix(p, prog, f.Remedy)
		}
		p.Report(p.BlameAbsence(missing.searched...).Of(f))
	})
}

// zonesFix links the zones into the program where the line that builds it is known, else it brings the directory, else
// the archive of a golang stage. A program's own zones are searched last, so nothing else changes.
func zonesFix(p *audit.Pass, prog *audit.Program, advice string) (fix *audit.Fix, remedy string) {
	fix, done := linkZones(p, prog)
	if done {
		return nil, "Build the image again: the line has -tags timetzdata now"
	}
	if fix == nil {
		fix = bring(p, suppliedZones)
	}
	if fix == nil {
		fix = bringArchive(p)
	}
	return fix, advice
}

// linkZones builds a program with the tag timetzdata; done is true when its line has it already, and the image is older.
func linkZones(p *audit.Pass, prog *audit.Program) (fix *audit.Fix, done bool) {
	const tag, since = "timetzdata", "go1.15"
	g := goLineOf(p, prog)
	if g == nil || version.Compare(prog.Go.Release(), since) < 0 {
		return nil, false
	}
	if slices.Contains(strings.FieldsFunc(g.flag("tags"), isTagSeparator), tag) {
		return nil, true
	}
	return fixOf("Build with -tags "+tag, audit.Safe, g.tag(tag)), false
}

// bringArchive copies the archive of zones that every Go tree has, and names it in ZONEINFO.
func bringArchive(p *audit.Pass) *audit.Fix {
	const archive = "/usr/local/go/lib/time/zoneinfo.zip"
	fits, _ := p.DockerfileFits()
	if set, _ := p.Image.Config.Getenv("ZONEINFO"); !fits || set != "" || !clear(p, "/zoneinfo.zip") {
		return nil
	}
	from := stageWith(p, supply{path: archive, bases: []string{"golang", "golang-alpine"}})
	if from == "" {
		return nil
	}
	return fixOf("Copy the time zones of a Go tree into the image", audit.Safe, intoFinal(p, "COPY --from="+from+" "+archive+" /zoneinfo.zip", "ENV ZONEINFO=/zoneinfo.zip"))
}

type missingZones struct{ zones, searched []string }

// lookupZones looks every named zone up; without names one of anyZones is enough.
func lookupZones(p *audit.Pass, prog *audit.Program, names []string) (missing missingZones, found string) {
	goroot := ""
	if prog.Go != nil {
		goroot = prog.Go.GOROOT
	}
	look := func(name string) layers.Lookup { return p.Image.FS.Zone(name, p.Env(), goroot) }
	if len(names) == 0 {
		var first layers.Lookup
		for i, name := range anyZones {
			l := look(name)
			if l.Path != "" {
				return missingZones{}, l.Path
			}
			if i == 0 {
				first = l
			}
		}
		return missingZones{anyZones[:1], first.Searched}, ""
	}
	for _, name := range names {
		l := look(name)
		if l.Path == "" {
			missing.zones = append(missing.zones, name)
			missing.searched = l.Searched
			continue
		}
		found = l.Path
	}
	return missing, found
}

// isFile reports whether a path leads to a regular file of the image.
func isFile(p *audit.Pass, name string) bool {
	e, err := p.Image.FS.Resolve(name)
	return err == nil && e.Mode.IsRegular()
}
