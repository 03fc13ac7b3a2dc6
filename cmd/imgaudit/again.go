package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// presentation are the flags of prove that say nothing of what is done, and the one that names conditions.
var presentation = []string{"output", "color", "verbose", "quiet", "progress", "timings", "only"}

// again gives the command lines that prove the same thing anew under one condition: what was typed, but for the flags of
// presentation and the values of --env, which may be secrets. args are all arguments, those behind -- included.
func again(c *cobra.Command, args []string) func(condition string) []string {
	argv := []string{"imgaudit", c.Name()}
	dash, own := c.ArgsLenAtDash(), []string(nil)
	if dash < 0 {
		dash = len(args)
	} else {
		own = append([]string{"--"}, args[dash:]...)
	}
	argv = append(argv, args[:dash]...)
	c.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(presentation, f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			values = many.GetSlice()
		}
		for _, v := range values {
			if f.Name == "env" {
				v, _, _ = strings.Cut(v, "=")
			}
			if f.Value.Type() == "bool" {
				argv = append(argv, "--"+f.Name+"="+v)
				continue
			}
			argv = append(argv, "--"+f.Name, v)
		}
	})
	return func(condition string) []string { return slices.Concat(argv, []string{"--only", condition}, own) }
}
