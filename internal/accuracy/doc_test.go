package accuracy

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// docFile is what the tables are written to.
const docFile = "../../docs/accuracy.md"

// verdictLine is the sentence of the document that CI looks for.
func verdictLine(falseErrors, missed int) string {
	return fmt.Sprintf("**%d false errors, %d missed failures.**", falseErrors, missed)
}

// sumOf is the fingerprint of what the document was made of: the cells, the programs, the rules that are judged.
func sumOf(r *rig, cells []byte) string {
	sum := sha256.New()
	sum.Write(cells)
	_ = fs.WalkDir(os.DirFS(sources), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(sources + "/" + name)
		fmt.Fprintln(sum, name, len(data))
		sum.Write(data)
		return err
	})
	fmt.Fprintln(sum, judged)
	return fmt.Sprintf("<!-- made of %x -->", sum.Sum(nil)[:16])
}

// write writes the cells and the document.
func write(t *testing.T, r *rig, cells []*cell, fixes string) {
	t.Helper()
	b := &strings.Builder{}
	all := lines(cells)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(b, "%s: %s\n", name, all[name])
	}
	if err := os.WriteFile(cellsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(docFile, []byte(document(r, []byte(b.String()), cells, fixes)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// document is docs/accuracy.md.
func document(r *rig, text []byte, cells []*cell, fixes string) string {
	t := count(cells)
	wrong := [verdicts]int{}
	for _, j := range t.wrong {
		wrong[j.verdict]++
	}
	b := &strings.Builder{}
	p := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	p("# Accuracy\n\nMade by `make matrix` (internal/accuracy); CI runs a subset and compares it with this, cell by cell.\n%s\n", sumOf(r, text))
	p("A cell is a program that needs one thing, compiled in one way, on one base image, for one user, with a writable or a")
	p("read-only root. `imgaudit check`'s rules foretell; then the image runs with runc, in a network of its own in which every")
	p("name leads to a peer that speaks TLS. What went wrong is told by exit codes and by the words of Linux, libc and Go.\n")
	p("%d cells: {%s} x {%s} x {%s} x {user %s} x {read-write, read-only}, and %d with a fault of their own.\n", t.cells, names(variants), strings.Join(needs, ", "), names(bases), strings.Join(users, ", user "), faults(cells))
	p("%s\n", verdictLine(wrong[falseError], wrong[missed]))
	p("## By rule\n\nA true positive is an error or a warning whose failure was seen, a false error one whose failure was not, a missed failure")
	p("one of which no rule spoke. A warning tells of what depends on input. Not reached: something else ended the run before.\n\n%s", t)
	p("`%s` is not a finding of an image: pkg/prove adds it for a read-only root.\n", readOnlyRule)
	for _, rule := range slices.Sorted(maps.Keys(unshown)) {
		p("`%s` is not shown by any cell: %s.\n", rule, unshown[rule])
	}
	p("Of the rules that need no Dockerfile these are not in the table:\n\n| rule | because |\n| --- | --- |")
	for _, rule := range slices.Sorted(maps.Keys(beside)) {
		p("| %s | %s |", rule, beside[rule])
	}
	p("")
	p("## Disagreements\n\n%s", t.disagreements())
	p("## Corrected and run again\n\n%s", fixes)
	p("## Time\n\n%s. Cells and services ran side by side: theirs are sums.", &r.times)
	for _, list := range [][]variant{variants, spoilt} {
		for _, v := range list {
			if v.why != "" {
				p("Not made: %s: %s", v.name, v.why)
			}
		}
	}
	return b.String()
}

// names joins the names of variants or bases.
func names[T interface{ String() string }](list []T) string {
	var all []string
	for _, x := range list {
		all = append(all, x.String())
	}
	return strings.Join(all, ", ")
}

func (v variant) String() string { return v.name }
func (b *base) String() string   { return b.name }

func faults(cells []*cell) (n int) {
	for _, c := range cells {
		if c.spoil != nil {
			n++
		}
	}
	return n
}

// convergence is the table of the fix loop.
func convergence(fixes []*corrected) string {
	b := &strings.Builder{}
	done, good, once := 0, 0, 0
	for _, c := range fixes {
		if c.none != "" {
			continue
		}
		done++
		if c.wrong == "" {
			good++
			if c.rounds == 1 {
				once++
			}
		}
	}
	fmt.Fprintf(b, "%d services have a failure with a fix; each was corrected, built with BuildKit and run again: in %d the failure is gone and\n", done, good)
	fmt.Fprintf(b, "the entrypoint, the ports, the user, the answer and the size are as before (%d after one round). A larger image counts as a change unless the fix brings what was missing.\n\n", once)
	fmt.Fprintf(b, "| variant | need | base | user | corrected | rounds | outcome |\n| --- | --- | --- | --- | --- | ---: | --- |\n")
	for _, c := range fixes {
		outcome := "runs"
		switch {
		case c.none != "":
			outcome = c.none
		case c.wrong != "":
			first, _, _ := strings.Cut(c.wrong, "\n")
			outcome = "**" + first + "**"
		case c.unsafe:
			outcome = "runs (unsafe fix)"
		}
		what := strings.Join(append(append([]string{c.need}, c.lines...), c.flags, c.entrypoint), " ")
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %d | %s |\n", c.variant, strings.TrimSpace(what), c.base.name, c.user, strings.Join(c.rules, ", "), c.rounds, strings.ReplaceAll(outcome, "|", "\\|"))
	}
	return b.String()
}
