package rules

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var setuidShipped = &audit.Rule{
	ID:       "setuid-shipped",
	Title:    "programs of the image run with rights that their caller does not have",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "Executable files with the setuid or setgid bit, or with file capabilities, by the line that put them there. Those of the base image are a note, and so are all of them in an image that runs as root, which gains nothing by them.",
		Why:    "They are how a process that runs as nobody becomes root again: su, mount and newgrp of a distribution have no other use in a container. A program with file capabilities fails to start where its capabilities are dropped (\"operation not permitted\").",
		Unless: "The service starts such a program, or needs a capability as a user without rights, as one that binds port 53 does. With no_new_privs (allowPrivilegeEscalation: false) they have no effect.",
		Messages: []string{
			"*exec*operation not permitted*",
		},
	},
	Check: checkSetuid,
}

func checkSetuid(p *audit.Pass) {
	type group struct {
		cause audit.Cause
		files []*layers.Entry
	}
	var order []string
	groups := map[string]*group{}
	// Walk has no error of its own: visit gives none.
	_ = p.Image.FS.Walk(func(e *layers.Entry) error {
		if special(e) == "" {
			return nil
		}
		cause := p.BlameIn(e.Layer, e.Path)
		key := madeBy(cause, e.Layer)
		if groups[key] == nil {
			order = append(order, key)
			groups[key] = &group{cause: cause}
		}
		groups[key].files = append(groups[key].files, e)
		return nil
	})
	for _, key := range order {
		reportSetuid(p, groups[key].cause, groups[key].files)
	}
}

func reportSetuid(p *audit.Pass, cause audit.Cause, files []*layers.Entry) {
	const most = 6
	f := audit.Finding{Path: files[0].Path}
	if cause.Blame.Kind == audit.BlameBase || p.Identity.UID == 0 && p.Identity.Err == "" {
		f.Severity = audit.Note
	}
	var bits, caps, names []string
	for i, e := range files {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is %s, %v %d:%d", e.Path, special(e), e.Mode, e.UID, e.GID))
		if e.Caps {
			caps = append(caps, e.Path)
		}
		if e.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			bits = append(bits, e.Path)
		}
		if i < most {
			names = append(names, e.Path)
		}
	}
	if len(files) > most {
		names = append(names, fmt.Sprintf("%d more", len(files)-most))
	}
	f.Message = fmt.Sprintf("%s with rights of their own: %s", counted(len(files), "program"), listed(names))
	if len(files) == 1 {
		f.Message = fmt.Sprintf("%s is %s", files[0].Path, special(files[0]))
	}
	var do []string
	if len(bits) > 0 {
		do = append(do, "chmod a-s "+strings.Join(bits, " "))
	}
	if len(caps) > 0 {
		do = append(do, "setcap -r of "+strings.Join(caps, " "))
	}
	f.Remedy = "Use a base without them, or take the rights away: RUN " + strings.Join(do, " && ")
	p.Report(cause.Of(f))
}

// special says by what an executable file has rights of its own, "" if it has none.
func special(e *layers.Entry) string {
	if !e.Mode.IsRegular() || e.Mode&0o111 == 0 {
		return ""
	}
	var words []string
	if e.Mode&fs.ModeSetuid != 0 {
		words = append(words, "setuid")
	}
	if e.Mode&fs.ModeSetgid != 0 {
		words = append(words, "setgid")
	}
	if e.Caps {
		words = append(words, "given file capabilities")
	}
	return listed(words)
}
