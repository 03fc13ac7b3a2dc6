package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var runsAsRoot = &audit.Rule{
	ID:       "runs-as-root",
	Title:    "the service runs as root",
	Severity: audit.Warning,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "The user of the image's config, which may come from the base image, resolves to uid 0. Without an image: the last USER of the final stage.",
		Why:    "A fault in the service is then a fault with root's rights over everything mounted into the container, and clusters that require runAsNonRoot refuse it.",
		Unless: "The service must bind a port below 1024 on an old kernel, or needs root's rights by its nature.",
		Messages: []string{
			"*container has runAsNonRoot and image will run as root*",
		},
	},
	Check: checkUser,
}

func checkUser(p *audit.Pass) {
	if p.Image == nil {
		checkUserText(p)
		return
	}
	user, root := p.Image.Config.User, p.Identity.UID == 0 && p.Identity.Err == ""
	if p.Image.FS == nil { // no /etc/passwd to resolve a name with
		root = user == "" || isRoot(user)
	}
	if !root {
		return
	}
	f := audit.Finding{
		Message:  fmt.Sprintf("the image runs as root: its user is %q", user),
		Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "user %q of the config is uid 0", user)},
		Remedy:   "Add USER 65532:65532 to the final stage, after checking which paths the service writes",
		Fix:      userFix(p),
	}
	if user == "" {
		f.Message = "the image runs as root: it sets no user"
		f.Evidence = []audit.Evidence{audit.Seen(audit.LevelImage, "the config has no user, which means uid 0")}
		p.Report(p.BlameBase().Of(f))
		return
	}
	p.Report(userCause(p).Of(f))
}

// checkUserText judges by the Dockerfile alone: certain where a USER says root or nothing is below the stage.
func checkUserText(p *audit.Pass) {
	final := p.Dockerfile.Final()
	if final == nil {
		return
	}
	remedy := "Add USER 65532:65532 to the final stage, after checking which paths the service writes"
	u := final.User
	switch {
	case u.By != nil && u.Known && isRoot(u.Value):
		p.Report(p.BlameLine(u.By).Of(audit.Finding{
			Message:  fmt.Sprintf("the service runs as root: USER %s", u.Value),
			Evidence: []audit.Evidence{p.At(u.By, "USER %s is the last of the final stage", u.Value)},
			Remedy:   remedy,
			Fix:      userFix(p),
		}))
	case u.By == nil && u.Known && (u.Value == "" || isRoot(u.Value)):
		p.Report(p.BlameBase().Of(audit.Finding{
			Message:  fmt.Sprintf("the service runs as root: no USER, and the base image %s sets none but root", final.Root().Base),
			Evidence: []audit.Evidence{p.At(final.From, "the final stage has no USER, and the base image's is %q", u.Value)},
			Remedy:   remedy,
			Fix:      userFix(p),
		}))
	case u.By == nil && u.Known:
	case u.By == nil && final.Root().Scratch():
		p.Report(p.BlameBase().Of(audit.Finding{
			Message:  "the service runs as root: no USER, and scratch sets none",
			Evidence: []audit.Evidence{p.At(final.From, "the final stage has no USER")},
			Remedy:   remedy,
			Fix:      userFix(p),
		}))
	case u.By == nil && !strings.Contains(final.Root().Base, "nonroot"):
		p.Report(p.BlameBase().Of(audit.Finding{
			Certainty: audit.Possible,
			Message:   fmt.Sprintf("the service runs as root unless the base image %s sets a user", baseName(final.Root().Base, final.Root().BaseRaw)),
			Evidence:  []audit.Evidence{p.At(final.From, "the final stage has no USER")},
			Remedy:    remedy,
		}))
	}
}

// userFix gives the service a user without rights, where it sets out to run: before the settings that end the final
// stage, or in the place of the USER that says root, if nothing is written after it. It is unsafe: which paths the service
// writes, and which ports it may open, is not decided here.
func userFix(p *audit.Pass) *audit.Fix {
	const nobody = "65532:65532"
	if fits, _ := p.DockerfileFits(); !fits {
		return nil
	}
	final := p.Dockerfile.Final()
	fix := &audit.Fix{Title: "Run the service as USER " + nobody, Safety: audit.Unsafe}
	settings := trailing(final)
	switch by := final.User.By; {
	case by != nil && p.Image != nil && final.User.Value != p.Image.Config.User:
		return nil // the image is older than its Dockerfile
	case by != nil && by.Stage == final && len(by.Words) == 1 && p.Dockerfile.Text(by.Words[0].Span) == final.User.Value && by.Index >= settings:
		fix.Edits = []dockerfile.Edit{{Span: by.Words[0].Span, New: nobody}}
	case by != nil || settings == len(final.Instructions):
		return nil
	default:
		fix.Edits = []dockerfile.Edit{lineBefore(p, final.Instructions[settings], "USER "+nobody)}
	}
	return fix
}

// trailing is the index of the first of the instructions that end a stage and neither run nor write anything.
func trailing(s *dockerfile.Stage) int {
	i := len(s.Instructions)
	for i > 0 && !slices.Contains([]string{"RUN", "COPY", "ADD", "WORKDIR", "VOLUME", "SHELL", "ONBUILD"}, s.Instructions[i-1].Keyword) {
		i--
	}
	return i
}

// isRoot reports whether USER means uid 0, group aside.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "root" || name == "0"
}

// baseName is a base image's name, as written when it cannot be expanded.
func baseName(base, raw string) string {
	if base != "" {
		return base
	}
	return raw
}
