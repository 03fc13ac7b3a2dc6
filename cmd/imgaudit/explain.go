package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   `explain RULE|"error text"`,
		Short: "Explain a rule, or find the rule from a message seen at run time",
		Example: `  imgaudit explain stop-signal-lost
  imgaudit explain "exec /app: no such file or directory"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.explain(strings.Join(args, " ")) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// example is the case in a rule's documentation, nil if there is none.
func example(id string) *txtar.Archive {
	if a := policy.Example(id); a != nil {
		return a
	}
	return rules.Example(id)
}

func ruleIDs() []string {
	var ids []string
	for _, r := range catalogue() {
		ids = append(ids, r.ID)
	}
	return ids
}

func (a *app) explain(what string) error {
	found := slices.DeleteFunc(catalogue(), func(r *audit.Rule) bool { return r.ID != what })
	if len(found) == 0 {
		found = rules.ForMessage(what)
	}
	if len(found) == 0 {
		err := fmt.Errorf("no rule is called %q, and none knows it as a message", what)
		if near := nearest(what, ruleIDs()); near != "" {
			return &hinted{err, "did you mean " + near + "?"}
		}
		return &hinted{err, "`imgaudit rules` lists the rules"}
	}
	for i, r := range found {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := report.RuleDoc(a.stdout, r, example(r.ID)); err != nil {
			return err
		}
	}
	return nil
}
