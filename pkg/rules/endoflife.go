package rules

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var baseEndOfLife = &audit.Rule{
	ID:       "base-end-of-life",
	Title:    "the base image's distribution gets no security fixes any more",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Date, Any: audit.Dockerfile | audit.Image},
	Doc: audit.Doc{
		Checks: "The distribution and version in the image's os-release (distroless images say the Debian inside); without an image, the name and tag of the final stage's base. They are looked up in a table of the rule, by the date of the audit: Debian to the end of its LTS, Ubuntu to the end of its standard support, Alpine, Red Hat and CentOS, Amazon Linux, Fedora. What is not in the table is not judged.",
		Why:    "Faults that are found in its libraries from then on stay in the image, however often it is built.",
		Unless: "Somebody else maintains it: Debian ELTS, Ubuntu Pro.",
	},
	Check: checkEndOfLife,
}

// endsOfLife are the last days of support, by ID and version of os-release. As of 2026-11-22. Sources: wiki.debian.org/LTS,
// ubuntu.com/about/release-cycle, alpinelinux.org/releases, access.redhat.com/support/policy/updates/errata,
// centos.org, aws.amazon.com/amazon-linux-2/faqs, fedorapeople's schedule; the days of distributions that are named by
// month alone are the last of that month.
var endsOfLife = map[string]map[string]string{
	"debian": {"7": "2018-05-31", "8": "2020-06-30", "9": "2022-06-30", "10": "2024-06-30", "11": "2026-08-31", "12": "2028-06-30", "13": "2030-06-30"},
	"ubuntu": {"14.04": "2019-04-30", "16.04": "2021-04-30", "18.04": "2023-06-30", "20.04": "2025-05-31", "22.04": "2027-06-30", "24.04": "2029-06-30", "26.04": "2031-06-30",
		"23.04": "2024-01-31", "23.10": "2024-07-31", "24.10": "2025-07-31", "25.04": "2026-01-31", "25.10": "2026-07-31"},
	"alpine": {"3.9": "2020-11-01", "3.10": "2021-05-01", "3.11": "2021-11-01", "3.12": "2022-05-01", "3.13": "2022-11-01", "3.14": "2023-05-01", "3.15": "2023-11-01",
		"3.16": "2024-05-23", "3.17": "2024-11-22", "3.18": "2025-05-09", "3.19": "2025-11-01", "3.20": "2026-04-01", "3.21": "2026-11-01", "3.22": "2027-05-01", "3.23": "2027-11-01"},
	"rhel":   {"6": "2020-11-30", "7": "2024-06-30", "8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
	"centos": {"6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31", "9": "2027-05-31"},
	"amzn":   {"2018.03": "2023-12-31", "2": "2026-06-30", "2023": "2029-06-30"},
	"fedora": {"38": "2024-05-21", "39": "2024-11-26", "40": "2025-05-13", "41": "2025-12-15", "42": "2026-05-13"},
}

// distributions are the distributions as people call them.
var distributions = map[string]string{"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "rhel": "Red Hat Enterprise Linux", "centos": "CentOS", "amzn": "Amazon Linux", "fedora": "Fedora"}

func checkEndOfLife(p *audit.Pass) {
	if p.Image != nil && p.Image.FS != nil {
		o, ok := p.Image.FS.OSRelease()
		if !ok {
			return
		}
		version := releaseOf(o.ID, o.Version)
		if day, over := endOfLife(o.ID, version, p.Now); over {
			reportEndOfLife(p, p.BlamePath(o.File), o.ID, version, day, audit.Seen(audit.LevelImage, "%s says %s", o.File, strings.TrimSpace(o.ID+" "+o.Version)))
		}
		return
	}
	if p.Dockerfile == nil || p.Dockerfile.Final() == nil {
		return
	}
	root := p.Dockerfile.Final().Root()
	if p.BaseUnknown(root) {
		return
	}
	id, version := distributionOf(root)
	if day, over := endOfLife(id, version, p.Now); over {
		reportEndOfLife(p, p.BlameLine(root.From), id, version, day, p.At(root.From, "the base image is %s", root.Base))
	}
}

func reportEndOfLife(p *audit.Pass, cause audit.Cause, id, version, day string, seen audit.Evidence) {
	p.Report(cause.Of(audit.Finding{
		Message: fmt.Sprintf("the base image is %s %s, which has had no security fixes since %s", distributions[id], version, day),
		Evidence: []audit.Evidence{seen,
			audit.Seen(audit.LevelText, "the date of the audit is %s", p.Now.UTC().Format(time.DateOnly))},
		Remedy: "Take a base image of a release that is supported",
	}))
}

// endOfLife returns the last day of support of a release, and whether it is past.
func endOfLife(id, version string, now time.Time) (day string, over bool) {
	day = endsOfLife[id][version]
	return day, day != "" && now.UTC().Format(time.DateOnly) > day
}

// releaseOf shortens a version to what is supported as one: 3.20.3 of Alpine, 8.9 of Red Hat.
func releaseOf(id, version string) string {
	parts := strings.Split(version, ".")
	switch {
	case id == "alpine" && len(parts) > 2:
		parts = parts[:2]
	case id == "rhel" || id == "centos" || id == "debian":
		parts = parts[:1]
	}
	return strings.Join(parts, ".")
}

// How official images are called: the version is in the tag, as a number or a name, or in the name of the image.
var (
	codenames     = map[string]string{"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13"}
	ubuntuNames   = map[string]string{"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04"}
	officialNames = map[string]string{"debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine", "centos": "centos", "amazonlinux": "amzn", "fedora": "fedora",
		"ubi": "rhel", "ubi-minimal": "rhel", "ubi-micro": "rhel", "ubi-init": "rhel"}
	leadingNumber = lazyregexp.New(`^[0-9]+(\.[0-9]+)*`)
	distroless    = lazyregexp.New(`-debian([0-9]+)$`)
	ubi           = lazyregexp.New(`^ubi([0-9]+)(-minimal|-micro|-init)?$`)
)

// distributionOf tells the distribution by the name of a stage's base image, "" if it does not say.
func distributionOf(s *dockerfile.Stage) (id, version string) {
	name, _, _ := strings.Cut(s.Base, "@")
	repository, tag, _ := strings.Cut(path.Base(name), ":")
	if m := distroless.FindStringSubmatch(repository); m != nil {
		return "debian", m[1]
	}
	if m := ubi.FindStringSubmatch(repository); m != nil {
		return "rhel", m[1]
	}
	id = officialNames[repository]
	word, _, _ := strings.Cut(tag, "-")
	switch {
	case id == "debian" && codenames[word] != "":
		return id, codenames[word]
	case id == "ubuntu" && ubuntuNames[word] != "":
		return id, ubuntuNames[word]
	}
	return id, releaseOf(id, leadingNumber.FindString(word))
}
