package rules

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var baseUnpinned = &audit.Rule{
	ID:       "base-unpinned",
	Title:    "an image is named by a tag, which others may move",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "The image of each FROM, COPY --from and RUN --mount that the target needs, after its arguments are put in: has it a digest? A tag is a note; no tag, or latest, is a warning. scratch, stages and images that are not known before the build are left out.",
		Why:    "The same Dockerfile builds another image tomorrow, and latest another distribution: nobody changed a line, and the build or the service breaks.",
		Unless: "Something else pins it: a registry that never moves tags, or a lock file of the builder.",
	},
	Check: checkUnpinned,
}

func checkUnpinned(p *audit.Pass) {
	told := map[string]bool{}
	report := func(in *dockerfile.Instruction, image string) {
		if image == "" || strings.Contains(image, "@sha256:") || image == "scratch" || strings.Contains(image, "$") || told[image] {
			return
		}
		told[image] = true
		_, tag, tagged := strings.Cut(path.Base(image), ":")
		f := audit.Finding{
			Message:  fmt.Sprintf("%s is a tag, which may be another image tomorrow", image),
			Evidence: []audit.Evidence{p.At(in, "%s has no digest", image)},
			Remedy:   fmt.Sprintf("Add the digest of the image index behind the tag: %s@sha256:..., and let a tool renew it", image),
		}
		if !tagged || tag == "latest" {
			f.Severity = audit.Warning
			f.Message = fmt.Sprintf("%s means whatever is the latest image at the time of the build", image)
			f.Remedy = "Name a version, and better its digest too"
		}
		f.Fix = pinFix(p, in, image)
		p.Report(p.BlameLine(in).Of(f))
	}
	for _, s := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(s) {
			continue
		}
		if s.Parent == nil && !p.BaseUnknown(s) {
			report(s.From, s.Base)
		}
		for _, in := range s.Instructions {
			if in.Copy != nil && in.Copy.From == nil {
				report(in, in.Copy.FromImage)
			}
			if in.Run == nil {
				continue
			}
			for _, m := range in.Run.Mounts {
				if !isStage(p.Dockerfile, m.From) {
					report(in, m.From)
				}
			}
		}
	}
}

// isStage reports whether a mount's from names a stage, by its name or number.
func isStage(f *dockerfile.File, from string) bool {
	return slices.ContainsFunc(f.Stages, func(s *dockerfile.Stage) bool {
		return strings.EqualFold(s.Name, from) || strconv.Itoa(s.Index) == from
	})
}

// pinFix writes the digest that the builder resolved the final image's base to, as its provenance says, where FROM names
// that image as it is written. Annotations do not count: buildah's name a manifest that its registry never had.
func pinFix(p *audit.Pass, in *dockerfile.Instruction, image string) *audit.Fix {
	fits, _ := p.DockerfileFits()
	if !fits || p.Image == nil || p.Image.Provenance == nil || in != p.Dockerfile.Final().Root().From {
		return nil
	}
	name, digest, ok := strings.Cut(p.Image.Provenance.Base, "@")
	text := p.Dockerfile.Text(in.Span)
	at := strings.Index(text, image)
	if !ok || !sameImage(name, image) || at < 0 || strings.Count(text, image) != 1 || !strings.HasPrefix(digest, "sha256:") {
		return nil
	}
	end := partOf(text, in.Span, at+len(image), at+len(image))
	return fixOf("Pin "+image+" to the digest that this image was built from", audit.Safe, []dockerfile.Edit{{Span: end, New: "@" + digest}})
}

// sameImage reports whether a full name is what a Dockerfile means by a short one: a registry and library before it, the
// tag latest behind it.
func sameImage(full, short string) bool {
	if !strings.Contains(path.Base(short), ":") {
		short += ":latest"
	}
	return full == short || strings.HasSuffix(full, "/"+short)
}
