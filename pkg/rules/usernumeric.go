package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var userNotNumeric = &audit.Rule{
	ID:       "user-not-numeric",
	Title:    "the image names its user, where a cluster must see a number",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "The user of the image's config is a name that is not root's.",
		Why:    "Kubernetes compares the user with 0 before the container exists, and does not look into the image's /etc/passwd: with runAsNonRoot and no runAsUser it does not start the container.",
		Unless: "The manifest sets runAsUser, or the image is not for a cluster.",
		Messages: []string{
			"*container has runAsNonRoot and image has non-numeric user (*), cannot verify user is non-root*",
		},
	},
	Check: checkUserNumeric,
}

func checkUserNumeric(p *audit.Pass) {
	user := p.Image.Config.User
	name, _, _ := strings.Cut(user, ":")
	if _, err := strconv.Atoi(name); name == "" || err == nil || isRoot(user) || p.Identity.UID == 0 && p.Identity.Err == "" {
		return
	}
	f := audit.Finding{
		Message:  fmt.Sprintf("the user of the image is the name %q: a cluster that requires runAsNonRoot does not start it", name),
		Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "the config has the user %q", user)},
		Words:    fmt.Sprintf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root", name),
		Remedy:   "Write USER with the numbers of the user and its group",
	}
	if p.Image.FS != nil && p.Identity.Err == "" {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "/etc/passwd has it as uid %d, gid %d", p.Identity.UID, p.Identity.GID))
		f.Remedy = fmt.Sprintf("Write USER %d:%d", p.Identity.UID, p.Identity.GID)
		f.Fix = numericFix(p, user)
	}
	p.Report(userCause(p).Of(f))
}

// numericFix writes the numbers where USER has the name. The run-time looks up groups and home by the number as well.
func numericFix(p *audit.Pass, user string) *audit.Fix {
	if fits, _ := p.DockerfileFits(); !fits {
		return nil
	}
	final := p.Dockerfile.Final()
	in := final.User.By
	if in == nil || in.Stage != final || len(in.Words) != 1 || p.Dockerfile.Text(in.Words[0].Span) != user || !lastUser(final, in) {
		return nil
	}
	numbers := fmt.Sprintf("%d:%d", p.Identity.UID, p.Identity.GID)
	return &audit.Fix{
		Title:  "Write USER " + numbers,
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: in.Words[0].Span, New: numbers}},
	}
}

// lastUser reports whether nothing that runs or writes files follows: a builder, too, resolves the user then.
func lastUser(s *dockerfile.Stage, user *dockerfile.Instruction) bool {
	for _, in := range s.Instructions[user.Index+1:] {
		if in.Keyword == "RUN" || in.Keyword == "WORKDIR" {
			return false
		}
	}
	return true
}
