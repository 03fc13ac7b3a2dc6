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

var commandMissing = &audit.Rule{
	ID:       "command-missing",
	Title:    "the program runs other programs that are not in the image",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "Every program that the binary runs by a constant name is looked up as os/exec does: a name with a slash from the working directory, any other in the PATH of the image's environment. \"sh\" is such a name. One that is only asked for with exec.LookPath is likely at most.",
		Why:    "Images without a package manager's programs lack what the laptop has. The error comes with the first request that needs the program, not at the start.",
		Unless: "The program is mounted or installed at run time, or the binary does without it.",
		Messages: []string{
			`*exec: "*": executable file not found in $PATH*`,
			"*fork/exec *: no such file or directory*",
		},
	},
	Check: checkCommands,
}

func checkCommands(p *audit.Pass) {
	p.Needing(binary.TopicExec, func(prog *audit.Program, n binary.Need) {
		if len(n.Names) == 0 {
			return // known at run time only
		}
		var missing, searched, found []string
		for _, name := range n.Names {
			file, places := findCommand(p, name)
			switch {
			case file != "" || name == prog.Path:
				found = append(found, file)
			default:
				missing, searched = append(missing, name), append(searched, places...)
			}
		}
		p.Judge(prog, n, len(missing) == 0, strings.Join(found, ", "), searched)
		if len(missing) == 0 {
			return
		}
		first := missing[0]
		words := fmt.Sprintf("exec: %q: executable file not found in $PATH", first)
		if strings.Contains(first, "/") {
			words = fmt.Sprintf("fork/exec %s: no such file or directory", first)
		}
		verb := "is"
		if len(missing) > 1 {
			verb = "are"
		}
		p.Report(p.BlameAbsence(searched...).Of(audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s runs %s, which %s not in the image", prog.Path, strings.Join(missing, ", "), verb),
			Evidence:  append(audit.FromBinary(naming(n.Evidence, missing), 3), audit.Seen(audit.LevelImage, "searched %s", searchedText(searched))),
			Path:      first,
			Words:     words,
			Remedy:    "Install what it runs in the final stage, or use a base image that has it",
		}))
	})
}

// naming returns the evidence that names one of some things, all of it if none does.
func naming(evidence []binary.Evidence, names []string) []binary.Evidence {
	var some []binary.Evidence
	for _, e := range evidence {
		if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(e.Text, fmt.Sprintf("%q", name)) }) {
			some = append(some, e)
		}
	}
	if len(some) == 0 {
		return evidence
	}
	return some
}

// findCommand looks a program up as execvp(3) and os/exec do, "" if it is nowhere; in PATH one that may not be
// executed is passed over. places are those that were looked at.
func findCommand(p *audit.Pass, name string) (file string, places []string) {
	dirs := strings.Split(p.Image.Config.SearchPath(), ":")
	if strings.Contains(name, "/") {
		dirs = []string{""}
		if !path.IsAbs(name) {
			dirs = []string{p.Image.Config.WorkingDir}
		}
	}
	for _, dir := range dirs {
		place := path.Join("/", dir, name)
		places = append(places, place)
		e, err := p.Image.FS.Resolve(place)
		if err == nil && e.Mode.IsRegular() && (strings.Contains(name, "/") || p.Image.FS.Access(place, p.Identity, layers.Exec).OK) {
			return place, places
		}
	}
	return "", places
}
