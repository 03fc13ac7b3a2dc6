package target

import (
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// readProvenance takes the Dockerfile that an image carries in its builder's provenance, if it does: then the image
// alone tells which line is to blame. A text that cannot be parsed is left: the image was built all the same.
func readProvenance(s *audit.Subject) {
	p := s.Image.Provenance
	if p == nil || p.Source == nil {
		return
	}
	name := p.Dockerfile
	if name == "" {
		name = "Dockerfile"
	}
	f, err := dockerfile.Parse(name, p.Source, dockerfile.Options{BuildArgs: p.BuildArgs, Target: p.Target, Platform: s.Image.Platform.String()})
	if err == nil && f.Final() != nil {
		s.Dockerfile, s.DockerfileCarried = f, true
	}
}
