package rules

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
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
	f.Fix = withoutRights(p, cause, bits, len(caps))
	p.Report(cause.Of(f))
}

// withoutRights takes the bits away in the final stage. It is safe when the image starts a Go program that surely runs no
// other: nobody else could use them.
func withoutRights(p *audit.Pass, cause audit.Cause, bits []string, caps int) *audit.Fix {
	if fits, _ := p.DockerfileFits(); !fits || caps > 0 || len(bits) == 0 || slices.ContainsFunc(bits, func(b string) bool { return !plainPath(b) }) {
		return nil
	}
	var behind *dockerfile.Instruction
	if cause.Blame.Kind == audit.BlameInstruction {
		behind = cause.By
	}
	safety := audit.Unsafe
	if prog := entryGo(p); prog != nil && prog.Opaque == "" && prog.Children.Starts == "" && p.Start.Shell.Kind == "" {
		if _, runs := prog.Need(binary.TopicExec); !runs {
			safety = audit.Safe
		}
	}
	edits := withoutBits(p, behind, bits)
	if edits == nil {
		edits = runInFinal(p, behind, "chmod a-s "+strings.Join(bits, " "), "chmod")
	}
	return fixOf("Take the rights away", safety, edits)
}

// withoutBits takes the bits out of the --chmod of the COPY that gives them to one file.
func withoutBits(p *audit.Pass, in *dockerfile.Instruction, files []string) []dockerfile.Edit {
	if in == nil || len(files) != 1 {
		return nil
	}
	mode := flagValue(in, "chmod")
	if len(mode) != 4 || strings.Trim(mode, "01234567") != "" {
		return nil
	}
	return flagged(p, in, files[0], "chmod", "0"+mode[1:])
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
