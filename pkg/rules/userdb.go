package rules

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var userDatabaseMissing = &audit.Rule{
	ID:       "user-database-missing",
	Title:    "the program looks up users that the image does not know",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "Users and groups that the program looks up by a constant name must be in the image's /etc/passwd and /etc/group, which its user may read. A lookup of a name known at run time only needs the file. user.Current needs the entry of the run-time user; Go's own reader makes do with USER in the environment, libc does not. HOME is set by the run-time.",
		Why:    "scratch has no /etc/passwd, and a numeric USER has no entry in it.",
		Unless: "The files are mounted at run time, or another NSS source knows the names.",
		Messages: []string{
			"open /etc/passwd: no such file or directory",
			"open /etc/group: no such file or directory",
			"user: unknown user *",
			"user: unknown userid *",
			"group: unknown group *",
			"user: Current requires cgo or * set in environment",
		},
	},
	Check: checkUserDatabase,
}

// accounts are the files of users and groups, as names and ids.
type accounts struct {
	path  string
	found bool // is there and can be read
	names []string
}

func readAccounts(p *audit.Pass, path string) accounts {
	const most = 1 << 20
	a := accounts{path: path}
	if !p.Image.FS.Access(path, p.Identity, layers.Read_).OK {
		return a
	}
	f, err := p.Image.FS.Open(path[1:])
	if err != nil {
		return a
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return a
	}
	a.found = true
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) > 2 {
			a.names = append(a.names, fields[0], fields[2])
		}
	}
	return a
}

func checkUserDatabase(p *audit.Pass) {
	users, groups := readAccounts(p, "/etc/passwd"), readAccounts(p, "/etc/group")
	p.Needing(binary.TopicUserDatabase, func(prog *audit.Program, n binary.Need) {
		f := audit.Finding{Certainty: n.Certainty, Evidence: audit.FromBinary(n.Evidence, 3)}
		db, searched := users, []string{users.path}
		switch name := unknownAccount(n.Names, users, groups); {
		case name != "":
			if strings.HasPrefix(name, ":") {
				db = groups
			}
			searched = []string{db.path}
			f.Message = fmt.Sprintf("%s looks up %s, which is not in %s", prog.Path, accountText(name), db.path)
			f.Words = unknownWords(prog, db, name)
			f.Remedy = fmt.Sprintf("Add the entry to %s in the final stage", db.path)
			f.Fix = bringAccounts(p, name)
			if libcSources(p, prog, db) {
				f.Certainty = atMostLikely(f.Certainty)
			}
		case len(n.Names) == 0 && asksCurrent(n):
			if currentKnown(p, prog, users) {
				p.Judge(prog, n, true, users.path, nil)
				return
			}
			askCurrent(&f, p, prog, users)
		case len(n.Names) == 0 && !users.found:
			f.Message = fmt.Sprintf("%s looks up users by names it gets at run time, but the image has no %s that it can read", prog.Path, users.path)
			f.Words = "open /etc/passwd: " + whyUnread(p, users.path)
			f.Remedy = "Copy /etc/passwd and /etc/group from a stage that has them"
		default:
			p.Judge(prog, n, true, users.path, nil)
			return
		}
		p.Judge(prog, n, false, "", searched)
		f.Path = db.path
		cause := p.BlameAbsence(db.path)
		if db.found {
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s has %s", db.path, counted(len(db.names)/2, "entry")))
			cause = p.BlamePath(db.path)
		} else {
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s: %s", db.path, whyUnread(p, db.path)))
		}
		p.Report(cause.Of(f))
	})
}

// unknownAccount is the first of the names that is not in its file, "" if all are.
func unknownAccount(names []string, users, groups accounts) string {
	for _, name := range names {
		group, isGroup := strings.CutPrefix(name, ":")
		if isGroup && !slices.Contains(groups.names, group) || !isGroup && !slices.Contains(users.names, name) {
			return name
		}
	}
	return ""
}

func accountText(name string) string {
	if group, ok := strings.CutPrefix(name, ":"); ok {
		return fmt.Sprintf("the group %q", group)
	}
	return fmt.Sprintf("the user %q", name)
}

// unknownWords is what os/user says: its own reader fails at a file that is not there, libc does not tell.
// Source: os/user/lookup_unix.go, cgo_lookup_unix.go, user.go.
func unknownWords(prog *audit.Program, db accounts, name string) string {
	group, isGroup := strings.CutPrefix(name, ":")
	_, err := strconv.Atoi(group)
	switch {
	case !db.found && !usesLibc(prog, isGroup):
		return fmt.Sprintf("open %s: no such file or directory", db.path)
	case isGroup && err == nil:
		return "group: unknown groupid " + group
	case isGroup:
		return "group: unknown group " + group
	case err == nil:
		return "user: unknown userid " + name
	}
	return "user: unknown user " + name
}

// usesLibc reports whether os/user asks libc.
func usesLibc(prog *audit.Program, group bool) bool {
	symbol := "getpwnam_r"
	if group {
		symbol = "getgrnam_r"
	}
	return prog.ELF != nil && slices.ContainsFunc(prog.ELF.Undefined, func(s binary.Symbol) bool { return s.Name == symbol })
}

// libcSources reports whether libc is asked and told to look elsewhere too.
func libcSources(p *audit.Pass, prog *audit.Program, db accounts) bool {
	key := "passwd"
	if db.path == "/etc/group" {
		key = "group"
	}
	return usesLibc(prog, key == "group") && slices.ContainsFunc(nameServices(p, key), func(s string) bool { return s != "files" && s != "compat" })
}

// asksCurrent reports whether all that the evidence shows is user.Current.
func asksCurrent(n binary.Need) bool {
	return !slices.ContainsFunc(n.Evidence, func(e binary.Evidence) bool {
		return !strings.Contains(e.Text, "os/user.Current") && !strings.Contains(e.Text, "os/user.current")
	})
}

// askCurrent is the finding of a program whose user.Current fails.
func askCurrent(f *audit.Finding, p *audit.Pass, prog *audit.Program, users accounts) {
	f.Message = fmt.Sprintf("%s asks who it is, and uid %d has no entry in %s", prog.Path, p.Identity.UID, users.path)
	f.Remedy = "Add an entry for the user to /etc/passwd in the final stage"
	if throughLibc(prog) {
		f.Words = fmt.Sprintf("user: unknown userid %d", p.Identity.UID)
		if libcSources(p, prog, users) {
			f.Certainty = atMostLikely(f.Certainty)
		}
		return
	}
	f.Message += ", nor is USER set"
	f.Words = "user: Current requires cgo or $USER"
	f.Remedy += ", or set USER"
	f.Fix = nameUser(p, prog)
}

// throughLibc reports whether os/user asks libc for users, as it does where cgo is on. Source: os/user/cgo_lookup_unix.go.
func throughLibc(prog *audit.Program) bool {
	return prog.Go.Settings["CGO_ENABLED"] == "1" && !strings.Contains(prog.Go.Settings["-tags"], "osusergo")
}

// currentKnown reports whether user.Current succeeds: libc does not look at USER. The run-time sets HOME, by the image's
// /etc/passwd or to "/". Source: os/user/lookup_stubs.go, current; runc libcontainer/init_linux.go.
func currentKnown(p *audit.Pass, prog *audit.Program, users accounts) bool {
	user, _ := p.Image.Config.Getenv("USER")
	return user != "" && !throughLibc(prog) || slices.Contains(users.names, strconv.Itoa(p.Identity.UID))
}

func whyUnread(p *audit.Pass, path string) string {
	if p.Image.FS.Access(path, p.Identity, layers.Read_).Errno == "EACCES" {
		return "permission denied"
	}
	return "no such file or directory"
}
