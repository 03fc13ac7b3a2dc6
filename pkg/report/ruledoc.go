package report

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// RuleDoc writes a rule's documentation as Markdown, which reads as plain text too. The example is one of the rule's
// test cases; nil leaves it out.
func RuleDoc(w io.Writer, r *audit.Rule, example *txtar.Archive) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.ID, upperFirst(r.Title))
	fmt.Fprintf(&b, "Severity: %s when proven, at most a warning when likely, a note when possible. Sees: %s.\n\n", r.Severity, SeesText(r.Sees))
	fmt.Fprintf(&b, "## What it checks\n\n%s\n\n## Why it hurts\n\n%s\n", r.Doc.Checks, r.Doc.Why)
	if len(r.Doc.Messages) > 0 {
		fmt.Fprintf(&b, "\nWhat a person sees (`*` stands for any text):\n\n")
		for _, m := range r.Doc.Messages {
			fmt.Fprintf(&b, "    %s\n", m)
		}
	}
	fmt.Fprintf(&b, "\n## When not to follow it\n\n%s\n", r.Doc.Unless)
	if example != nil {
		fmt.Fprintf(&b, "\n## Example\n\n%s\n", strings.TrimSpace(string(example.Comment)))
		for _, f := range example.Files {
			if f.Name == "binary.json" || strings.HasPrefix(f.Name, "elf/") {
				continue // facts of a program, not for reading
			}
			fmt.Fprintf(&b, "\n%s:\n\n%s", exampleTitle(f.Name), indent(string(f.Data)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func exampleTitle(section string) string {
	switch section {
	case "want.findings":
		return "Findings"
	case "want.Dockerfile":
		return "Corrected Dockerfile"
	case "want..dockerignore":
		return "Corrected .dockerignore"
	case "rootfs":
		return "Files of the image"
	}
	return section
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func indent(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "    " + l
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// SeesText says which parts a rule looks at: "Go binary and image", "any of Dockerfile and image config".
func SeesText(s audit.Sees) string {
	var parts []string
	if s.All != 0 {
		parts = append(parts, s.All.String())
	}
	if s.Any != 0 {
		parts = append(parts, "any of "+s.Any.String())
	}
	return strings.Join(parts, ", ")
}
