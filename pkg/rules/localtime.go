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

var timezoneUnresolved = &audit.Rule{
	ID:       "timezone-unresolved",
	Title:    "the configured time zone becomes UTC without a word",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "TZ of the image's environment, or /etc/localtime, is resolved as Go does for time.Local: a zone name in the zoneinfo directories, or an absolute path. $ZONEINFO does not count here, and the POSIX form (CST-8) is not understood. A setting that means UTC anyway is passed over.",
		Why:    "Go falls back to UTC silently: logs and schedules are hours off, and nothing says so.",
		Unless: "UTC is what is wanted; then remove TZ.",
	},
	Check: checkLocalTime,
}

func checkLocalTime(p *audit.Pass) {
	p.Needing(binary.TopicLocalTime, func(prog *audit.Program, n binary.Need) {
		goroot := ""
		if prog.Go != nil {
			goroot = prog.Go.GOROOT
		}
		local := p.Image.FS.LocalTimeOf(p.Env(), goroot)
		if _, embedded := prog.Feature(binary.FeatureTZData); embedded && isZoneName(local.TZ) {
			p.Judge(prog, n, true, binary.FeatureTZData+" in "+prog.Path, nil)
			return
		}
		lost := local.Silent && !meansUTC(p, local)
		p.Judge(prog, n, !lost, local.Path, local.Searched)
		if lost && prog.Entry {
			p.Report(localTimeFinding(p, prog, n, local))
		}
	})
}

func localTimeFinding(p *audit.Pass, prog *audit.Program, n binary.Need, local layers.LocalTime) audit.Finding {
	f := audit.Finding{
		Certainty: n.Certainty,
		Path:      prog.Path,
		Evidence: append(audit.FromBinary(n.Evidence, 2),
			audit.Seen(audit.LevelImage, "searched %s", searchedText(local.Searched))),
	}
	if !local.Set {
		f.Severity = audit.Note
		f.Message = fmt.Sprintf("/etc/localtime cannot be resolved, so %s uses UTC without saying so", prog.Path)
		f.Remedy = "Copy /usr/share/zoneinfo from a stage that has it, or set TZ and build with -tags timetzdata"
		return p.BlamePath("/etc/localtime").Of(f)
	}
	f.Message = fmt.Sprintf("TZ=%s cannot be resolved in the image, so %s uses UTC without saying so", local.TZ, prog.Path)
	switch {
	case isZoneName(local.TZ):
		f.Remedy = "Build with -tags timetzdata, or copy /usr/share/zoneinfo from a stage that has it, or remove TZ"
		fix, done := linkZones(p, prog)
		if f.Fix = fix; done {
			f.Remedy = "Build the image again: the line has -tags timetzdata now"
		} else if fix == nil {
			f.Fix = bring(p, suppliedZones)
		}
	case strings.HasPrefix(strings.TrimPrefix(local.TZ, ":"), "/"):
		f.Remedy = "Copy that file into the image, or set TZ to a zone name such as Asia/Shanghai and build with -tags timetzdata"
	default:
		f.Remedy = "Use a name of the zone database such as Asia/Shanghai: Go does not read the POSIX form"
	}
	return envCause(p, "TZ").Of(f)
}

// plainZones are the names of the zone database without a slash. Source: the tz database's backward and etcetera files.
var plainZones = strings.Fields(`CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong
	Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK
	Singapore Turkey UCT UTC Universal W-SU WET Zulu`)

// isZoneName reports whether a value of TZ is a name of the zone database, by its form.
func isZoneName(tz string) bool {
	tz = strings.TrimPrefix(tz, ":")
	return strings.Contains(tz, "/") && !strings.HasPrefix(tz, "/") || slices.Contains(plainZones, tz)
}

// meansUTC reports whether UTC is what was asked for: falling back to it changes nothing then.
func meansUTC(p *audit.Pass, local layers.LocalTime) bool {
	zone := local.TZ
	if !local.Set {
		if e, ok := p.Image.FS.Entry("/etc/localtime"); ok {
			zone = e.Link
		}
	}
	names := []string{"utc", "utc0", "uct", "gmt", "gmt0", "gmt+0", "gmt-0", "greenwich", "universal", "zulu"}
	return slices.Contains(names, strings.ToLower(path.Base(strings.TrimPrefix(zone, ":"))))
}

// envCause blames the line that sets a variable of the run-time environment.
func envCause(p *audit.Pass, key string) audit.Cause {
	v, ok := dockerfileEnv(p, key)
	if !ok || v.By == nil {
		return p.BlameSetting(nil, key)
	}
	if fits, _ := p.DockerfileFits(); !fits {
		return p.BlameSetting(v.By, key)
	}
	return p.BlameSpan(v.By, v.Span)
}
