package rules

import (
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// plainRelease is the tag of a golang image whose variant every release of the last years has: none, alpine, bookworm.
var plainRelease = lazyregexp.New(`^(1\.\d+(?:\.\d+)?)(-alpine|-bookworm)?$`)

// releaseFix makes a stage build with another release ("go1.25") by the tag of its golang image, in FROM or in the default
// of the argument before it. Nil where the tag says more than a release, or a digest holds it.
func releaseFix(p *audit.Pass, stage *dockerfile.Stage, made *builder, release string, safety audit.Safety) *audit.Fix {
	root := stage.Root()
	colon := strings.LastIndexByte(root.Base, ':')
	if made.from != root.From || !isGolang(root.Base) || colon < 0 || strings.Contains(root.Base, "@") {
		return nil
	}
	m := plainRelease.FindStringSubmatch(root.Base[colon+1:])
	number := strings.TrimPrefix(release, "go")
	if m == nil || m[1] == number {
		return nil
	}
	title := "Build with golang:" + number + m[2]
	text := p.Dockerfile.Text(root.From.Span)
	if at := strings.Index(text, ":"+m[1]+m[2]); at >= 0 && strings.Count(text, ":"+m[1]+m[2]) == 1 {
		return fixOf(title, safety, []dockerfile.Edit{{Span: partOf(text, root.From.Span, at+1, at+1+len(m[1])), New: number}})
	}
	return fixOf(title, safety, releaseDefault(p, root, m[1], m[2], number))
}

// releaseDefault changes the default of the one ARG before the first FROM that says the release and stands in the FROM.
func releaseDefault(p *audit.Pass, root *dockerfile.Stage, old, variant, number string) []dockerfile.Edit {
	var edits []dockerfile.Edit
	for _, in := range p.Dockerfile.MetaArgs {
		for _, w := range in.Words {
			key, value, set := strings.Cut(w.Value, "=")
			_, given := p.Dockerfile.Options.BuildArgs[key]
			if !set || given || value != old && value != old+variant || !strings.Contains(root.BaseRaw, "$"+key) && !strings.Contains(root.BaseRaw, "${"+key) {
				continue
			}
			text := p.Dockerfile.Text(w.Span)
			at := strings.LastIndex(text, old)
			edits = append(edits, dockerfile.Edit{Span: partOf(text, w.Span, at, at+len(old)), New: number})
		}
	}
	if len(edits) != 1 {
		return nil
	}
	return edits
}
