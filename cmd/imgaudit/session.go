package main

import (
	"context"
	"fmt"
	"time"

	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// session is what surrounds the reading of targets: the cache, and what is shown of the work.
type session struct {
	app      *app
	verbose  bool
	quiet    bool
	cache    *cache.Store // nil without
	progress *progress    // nil for none
	timings  *timings     // nil for none
	cancel   context.CancelFunc
}

// open begins a session, and gives the context of what is done in it: it ends when --timeout has passed. A cache that
// cannot be had is no reason to fail.
func (a *app) open(ctx context.Context, f *readFlags, quiet, verbose bool) (context.Context, *session, error) {
	mode, err := a.progressMode(f.progress, quiet, verbose)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout, tooLong(f.timeout))
	s := &session{app: a, cancel: cancel, verbose: verbose && !quiet, quiet: quiet, progress: a.newProgress(mode)}
	if f.timings {
		s.timings = newTimings()
	}
	if f.noCache {
		return ctx, s, nil
	}
	dir, err := a.cacheDir(f.cacheDir)
	if err == nil {
		s.cache, err = cache.Open(dir)
	}
	s.warn(err)
	return ctx, s, nil
}

// tooLong is why what takes longer than --timeout is given up.
type tooLong time.Duration

func (d tooLong) Error() string   { return fmt.Sprintf("no end within %s (--timeout)", time.Duration(d)) }
func (tooLong) Is(err error) bool { return err == context.DeadlineExceeded }

// warn says with -v what goes wrong with the cache.
func (s *session) warn(err error) {
	if err != nil && s.verbose {
		fmt.Fprintf(s.app.stderr, "imgaudit: %v; going on without\n", err)
	}
}

// watch has readers use the session.
func (s *session) watch(opt target.Options) target.Options {
	opt.Cache = s.cache
	opt.Progress = func(n layers.Progress) {
		s.progress.update(n)
		s.timings.update(n)
	}
	return opt
}

// close ends the session.
func (s *session) close() {
	s.progress.end()
	s.warn(s.cache.Err())
	s.timings.print(s.app.stderr, s.cache)
	s.warn(s.cache.Close())
	s.cancel()
}
