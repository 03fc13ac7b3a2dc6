package rules

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/secret"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var contextUnfiltered = &audit.Rule{
	ID:       "context-unfiltered",
	Title:    "a directory is copied from the build context together with secrets or version control",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile | audit.Context},
	Doc: audit.Doc{
		Checks: "The exact files that each COPY or ADD of a directory takes from the build context, after .dockerignore as BuildKit applies it, are searched for secrets (.env, private keys, .netrc, credentials) and for .git. A .env that gives no secret a value is at most a warning. Secrets that reach the final image are errors, those that stay in a build stage are warnings. .git is a warning where it ships and a note where it does not: stamping the version needs it.",
		Why:    "COPY . . takes everything that .dockerignore does not exclude; .gitignore does not count. A pattern like .env matches only at the root: **/.env matches everywhere.",
		Unless: "The file holds no real secret.",
	},
	Check: checkContext,
}

func checkContext(p *audit.Pass) {
	f := newFilter(p)
	for _, stage := range p.Dockerfile.Stages {
		for _, in := range stage.Instructions {
			if in.Copy != nil && in.Copy.From == nil && in.Copy.FromImage == "" {
				checkCopy(f, stage, in)
			}
		}
	}
}

// unwanted is what one COPY takes that it should not, in files that get equally far.
type unwanted struct {
	reach   reach
	what    []string // secrets, or the files of .git
	git     bool
	certain bool    // one of the secrets surely is one
	verdict verdict // the worst of the secrets'; those that are needed are told apart
}

func checkCopy(f *contextFilter, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	files, err := f.Context.Taken(in, 0)
	if err != nil {
		return // does-not-build says it, or what it takes is not known; where it goes need not be
	}
	var all []*unwanted
	for _, name := range files {
		secret, certain := secretFile(f.Context.FS, name)
		git := !secret && inGit(name)
		if !secret && !git || slices.ContainsFunc(in.Copy.Sources, func(s string) bool { return path.Clean(s) == name }) {
			continue // a file copied by its own name is secret-in-build's
		}
		u := unwanted{reach: pathReach(f.Pass, stage, in.Copy.Lands(name)), git: git, verdict: needless}
		if secret {
			u.verdict = f.verdict(name)
		}
		k := slices.IndexFunc(all, func(o *unwanted) bool {
			return o.reach == u.reach && o.git == git && (o.verdict == needed) == (u.verdict == needed)
		})
		if k < 0 {
			k, all = len(all), append(all, &u)
		}
		all[k].what = append(all[k].what, name)
		all[k].certain = all[k].certain || certain
		all[k].verdict = min(all[k].verdict, u.verdict)
	}
	slices.SortStableFunc(all, func(a, b *unwanted) int { return cmp.Compare(a.reach, b.reach) })
	for _, u := range all {
		f.Report(f.finding(in, u, len(files)))
	}
}

func (f *contextFilter) finding(in *dockerfile.Instruction, u *unwanted, total int) audit.Finding {
	what, patterns := someOf(u.what, 4), []string{"**/.git"}
	severity, certainty := u.reach.severity(), audit.Proven
	var fix *audit.Fix
	if u.git {
		what = fmt.Sprintf(".git (%s)", counted(len(u.what), "file"))
		severity = audit.Note
		if u.reach == ships {
			severity = audit.Warning
		}
		if !f.gitNeeded() {
			fix = f.leaveOut(gitDirs(u.what), patterns, audit.Safe, "Leave .git out of the build context")
		}
	} else {
		if !u.certain {
			certainty = audit.Likely
		}
		patterns = nil
		for _, s := range u.what {
			patterns = append(patterns, ignorePattern(s))
		}
		slices.Sort(patterns)
		patterns = slices.Compact(patterns)
		switch u.verdict {
		case needless:
			fix = f.leaveOut(u.what, patterns, audit.Safe, "Leave "+what+" out of the build context")
		case perhaps:
			fix = f.leaveOut(u.what, patterns, audit.Unsafe, "Leave "+what+" out of the build context: give it to what reads it when that runs")
		}
	}
	ignore := "there is no .dockerignore"
	if f.Context.IgnoreFile != "" {
		ignore = f.Context.IgnoreFile + " does not exclude it"
	}
	return f.BlameLine(in).Of(audit.Finding{
		Severity:  severity,
		Certainty: certainty,
		Message:   fmt.Sprintf("%s takes %s from the build context: %s", in.Keyword, what, u.reach),
		Evidence: []audit.Evidence{
			f.At(in, "it takes %s; %s", counted(total, "file"), ignore),
		},
		Remedy: fmt.Sprintf("Write %s into .dockerignore, or copy only what the build needs", strings.Join(patterns, ", ")),
		Fix:    fix,
	})
}

// gitDirs are the .git directories that files lie in.
func gitDirs(names []string) []string {
	var out []string
	for _, name := range names {
		dir, _, _ := strings.Cut("/"+name, "/.git/")
		out = append(out, strings.TrimPrefix(dir+"/.git", "/"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ignorePattern excludes a secret wherever it is: by its name, and by the directory above it where the name says little.
func ignorePattern(name string) string {
	if i := slices.IndexFunc(secretPaths, func(s string) bool { return strings.HasSuffix("/"+name, "/"+s) }); i >= 0 {
		return "**/" + secretPaths[i]
	}
	return "**/" + path.Base(name)
}

func someOf(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func inGit(name string) bool {
	return strings.HasPrefix(name, ".git/") || strings.Contains(name, "/.git/")
}

// secretFiles are names of files that hold nothing but secrets.
var secretFiles = []string{".env", ".netrc", "_netrc", ".git-credentials", ".pgpass", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "kubeconfig"}

// secretPaths are the ends of paths that hold credentials.
var secretPaths = []string{".aws/credentials", ".docker/config.json", ".kube/config", ".config/gh/hosts.yml"}

// secretFile reports whether a file holds a secret, and whether that is certain: by name where the name is unmistakable,
// by content for .env, keys and .npmrc.
func secretFile(root fs.FS, name string) (secret, certain bool) {
	base := path.Base(name)
	switch {
	case base == ".env", strings.HasPrefix(base, ".env.") && !isSample(base):
		text := head(root, name)
		return strings.TrimSpace(text) != "", envHoldsSecret(text)
	case slices.Contains(secretFiles, base):
		return true, true
	case slices.ContainsFunc(secretPaths, func(s string) bool { return name == s || strings.HasSuffix(name, "/"+s) }):
		return true, true
	case slices.Contains([]string{".pem", ".key"}, path.Ext(base)):
		key := strings.Contains(head(root, name), "PRIVATE KEY-----")
		return key, key
	case base == ".npmrc":
		token := strings.Contains(head(root, name), "_authToken=")
		return token, token
	}
	return false, false
}

// envHoldsSecret reports whether a .env file gives a value to a variable that is a secret by its name, or holds a token.
func envHoldsSecret(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if secret.InWords(value) != "" || secret.Named(strings.TrimSpace(key)) && secret.Real(strings.TrimSpace(value)) && !secret.Placeholder(value) {
			return true
		}
	}
	return false
}

// isSample reports whether a .env.NAME is a template, or a file of settings that is meant to be public.
func isSample(base string) bool {
	return slices.ContainsFunc([]string{"example", "sample", "template", "dist", "defaults", "test"}, func(s string) bool { return strings.Contains(base, s) })
}

// head is the first 64 KiB of a file, "" if it cannot be read.
func head(root fs.FS, name string) string {
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return ""
	}
	return string(b)
}
