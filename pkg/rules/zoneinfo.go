package rules

import (
	"fmt"
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
		p.Report(p.BlameAbsence(missing.searched...).Of(audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s loads %s", prog.Path, what),
			Evidence: append(audit.FromBinary(n.Evidence, 3),
				audit.Seen(audit.LevelImage, "searched %s", searchedText(missing.searched))),
			Path:   prog.Path,
			Words:  words,
			Remedy: "Build with -tags timetzdata, or copy /usr/share/zoneinfo from a stage that has it",
		}))
	})
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
