package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/target"
)

// readFlags say what to read and how; check and inspect share them.
type readFlags struct {
	dockerfile, context, target, platform string
	buildArgs                             []string
	insecure, caFiles                     []string
	offline                               bool
	timeout                               time.Duration
	cacheDir, progress                    string
	noCache, timings                      bool
	predict, build                        bool
}

func (f *readFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.dockerfile, "dockerfile", "", "Dockerfile that the image was built from")
	c.Flags().StringVar(&f.context, "context", "", "build context directory")
	c.Flags().StringVar(&f.target, "target", "", "stage to build, the last one by default")
	c.Flags().StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument K=V (repeatable)")
	c.Flags().StringVar(&f.platform, "platform", "", "platform os/arch[/variant] of an index, or all")
	f.addSource(c)
}

// addSource adds the flags that say how images are had.
func (f *readFlags) addSource(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.insecure, "insecure-registry", nil, "registry HOST[:PORT] that may be spoken to without TLS or with an unsigned certificate (repeatable)")
	c.Flags().StringSliceVar(&f.caFiles, "ca-cert", nil, "PEM file of authorities that registries' certificates may be signed by, beside the system's (repeatable)")
	c.Flags().BoolVar(&f.offline, "offline", false, "use no network: archives, layouts, local engines, and what the cache has of images named by digest")
	c.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "give up after this time")
	addCacheDir(c, &f.cacheDir)
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "neither use nor fill the cache")
	c.Flags().StringVar(&f.progress, "progress", "auto", "progress on standard error: auto (tty on a terminal, else none, or plain with -v), plain, tty, none")
	c.Flags().BoolVar(&f.timings, "timings", false, "print where the time went to standard error")
}

// addPredict adds the flags that have a Dockerfile's image foretold.
func (f *readFlags) addPredict(c *cobra.Command) {
	c.Flags().BoolVar(&f.predict, "predict", false, "foretell the image that a Dockerfile will make; reads the base images that it names")
	c.Flags().BoolVar(&f.build, "build", false, "like --predict, and build the programs here with the Dockerfile's own go build lines")
}

// options turns the flags into what the readers take. A --build-arg without a value takes the variable's, as docker
// build does.
func (a *app) options(f *readFlags) target.Options {
	opt := target.Options{Stdin: a.stdin, Dockerfile: f.dockerfile, Context: f.context, Target: f.target, Platform: f.platform, BuildArgs: map[string]string{}, Now: time.Now(),
		InsecureRegistries: f.insecure, CAFiles: f.caFiles, Offline: f.offline, Predict: f.predict, Build: f.build}
	for _, kv := range f.buildArgs {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			if v, ok = a.lookupEnv(k); !ok {
				continue
			}
		}
		opt.BuildArgs[k] = v
	}
	return opt
}
