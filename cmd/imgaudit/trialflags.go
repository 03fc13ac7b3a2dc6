package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/config"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// trialFlags say how an image is built and run; prove and fix --prove share them.
type trialFlags struct {
	engine            string
	secrets, contexts []string
	needs             prove.Needs
}

func (f *trialFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.engine, "engine", "auto", "what builds, and runs if it can: auto, "+joinKinds())
	c.Flags().StringArrayVar(&f.secrets, "secret", nil, "secret of the build, as docker build has it: id=NAME,src=FILE (repeatable)")
	c.Flags().StringArrayVar(&f.contexts, "build-context", nil, "named context of the build, as docker build has it: NAME=DIR (repeatable)")
	c.Flags().StringArrayVarP(&f.needs.Env, "env", "e", nil, "variable that the program needs, NAME=VALUE, or NAME for this environment's value (repeatable)")
	c.Flags().StringVar(&f.needs.Path, "path", "", "path of an HTTP request that the program answers when it is ready (default /)")
	c.Flags().StringSliceVar(&f.needs.TLSPorts, "tls-port", nil, "port at which the peer speaks TLS, beside 443 (repeatable)")
	c.Flags().DurationVar(&f.needs.Ready, "ready", 3*time.Second, "how long the program may take until it listens")
	c.Flags().DurationVar(&f.needs.Watch, "watch", 300*time.Millisecond, "how long it is watched after that")
	c.Flags().DurationVar(&f.needs.Grace, "grace", 10*time.Second, "how long it may take to end after a signal")
}

func joinKinds() string {
	var all []string
	for _, k := range prove.Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// buildTime bounds a command that builds, where nothing else is said.
const buildTime = 30 * time.Minute

// longer gives a command that always builds more time than one that reads.
func longer(c *cobra.Command, f *readFlags) {
	f.timeout = buildTime
	c.Flags().Lookup("timeout").DefValue = buildTime.String()
}

// moreTime gives it to one that builds this time.
func moreTime(c *cobra.Command, f *readFlags) {
	if !c.Flags().Changed("timeout") {
		f.timeout = buildTime
	}
}

// configure looks at the values, and takes from .imgaudit.yaml what neither a flag nor a variable says.
func (f *trialFlags) configure(a *app, c *cobra.Command) (*config.Prove, error) {
	if kinds := append([]string{"auto"}, strings.Split(joinKinds(), ", ")...); !slices.Contains(kinds, f.engine) {
		err := fmt.Errorf("reading --engine: %q is none of %s", f.engine, strings.Join(kinds, ", "))
		if near := nearest(f.engine, kinds); near != "" {
			return nil, &hinted{err, "did you mean " + near + "?"}
		}
		return nil, err
	}
	for i, kv := range f.needs.Env {
		name, _, ok := strings.Cut(kv, "=")
		if name == "" {
			return nil, fmt.Errorf("reading --env: %q is no NAME=VALUE", kv)
		}
		if ok {
			continue
		}
		value, ok := a.lookupEnv(name)
		if !ok {
			return nil, fmt.Errorf("reading --env: the variable %s is not set here", name)
		}
		f.needs.Env[i] = name + "=" + value
	}
	for _, kv := range f.contexts {
		if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
			return nil, fmt.Errorf("reading --build-context: %q is no NAME=DIR", kv)
		}
	}
	for name, d := range map[string]time.Duration{"ready": f.needs.Ready, "watch": f.needs.Watch, "grace": f.needs.Grace} {
		if d <= 0 {
			return nil, fmt.Errorf("reading --%s: %s is no time to wait", name, d)
		}
	}
	file, err := config.Find(".")
	if err != nil {
		return nil, err
	}
	read, err := config.Read(file)
	if err != nil {
		return nil, err
	}
	section := &read.Prove
	unless := func(flag string, given bool, take func()) {
		if given && !c.Flags().Changed(flag) {
			take()
		}
	}
	unless("env", section.Env != nil, func() { f.needs.Env = section.Env })
	unless("path", section.Path != "", func() { f.needs.Path = section.Path })
	unless("tls-port", section.TLSPorts != nil, func() { f.needs.TLSPorts = section.TLSPorts })
	unless("ready", section.Ready > 0, func() { f.needs.Ready = section.Ready })
	unless("watch", section.Watch > 0, func() { f.needs.Watch = section.Watch })
	unless("grace", section.Grace > 0, func() { f.needs.Grace = section.Grace })
	f.needs.Args = section.Args
	return section, nil
}
