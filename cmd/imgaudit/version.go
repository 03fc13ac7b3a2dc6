package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/report"
)

// tool is this program as the report names it. The version is that of the build information, so it is right after go
// install too; a build from a work tree is "(devel)".
func tool() report.Tool {
	t := report.Tool{Name: "imgaudit", Version: "(devel)"}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		t.Version = info.Main.Version
	}
	return t
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what it was built from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(a.stdout, "imgaudit %s\n", tool().Version)
			fmt.Fprintf(a.stdout, "report schema %d, %s %s/%s\n", report.Schema, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
						fmt.Fprintf(a.stdout, "%s %s\n", s.Key, s.Value)
					}
				}
			}
			return nil
		},
	}
}
