package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// addCacheDir adds the flag that says where the cache is.
func addCacheDir(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "cache-dir", "", "directory of the cache (default $XDG_CACHE_HOME/imgaudit or $HOME/.cache/imgaudit)")
}

func newCache(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "Show or prune what is kept of layers and programs that were audited before",
		Long: `imgaudit keeps what it reads of image layers and programs, by their digests, so that the next audit of a known layer
fetches nothing of it. It keeps facts, and contents of small settings; an entry that is damaged, or of another build of
imgaudit, counts for nothing. The cache keeps itself below 1 GiB by dropping what was not used for longest.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCacheDir(a), newCacheStats(a), newCachePrune(a))
	return c
}

// cacheDir is the directory that a flag names, or the usual one.
func (a *app) cacheDir(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	return cache.Dir(a.lookupEnv)
}

// existingCache opens a cache if there is one; nil if not.
func (a *app) existingCache(flag string) (*cache.Store, error) {
	dir, err := a.cacheDir(flag)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	store, err := cache.Open(dir)
	if err != nil {
		return nil, &unaudited{err}
	}
	return store, nil
}

func newCacheDir(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "dir",
		Short: "Print the directory of the cache",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.cacheDir(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, dir)
			return err
		},
	}
	addCacheDir(c, &dir)
	return c
}

func newCacheStats(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "stats",
		Short: "Print how many entries of each kind the cache has, and their size",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := a.existingCache(dir)
			if err != nil {
				return err
			}
			var list []cache.Usage
			if store != nil {
				defer store.Close()
				if list, err = store.Stats(); err != nil {
					return &unaudited{err}
				}
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
			total := cache.Usage{Kind: "total"}
			for _, u := range list {
				fmt.Fprintf(w, "%s\t%d entries\t%s\t\n", u.Kind, u.Entries, size(u.Bytes))
				total.Entries += u.Entries
				total.Bytes += u.Bytes
			}
			fmt.Fprintf(w, "%s\t%d entries\t%s\t\n", total.Kind, total.Entries, size(total.Bytes))
			return w.Flush()
		},
	}
	addCacheDir(c, &dir)
	return c
}

func newCachePrune(a *app) *cobra.Command {
	var dir, olderThan, maxSize string
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove entries: all, or those not used for long, or so many that the rest fits",
		Long: `prune removes entries of the cache by when they were last used. Without a flag all go. Other audits may run meanwhile.
A duration is written as 12h or 30d, a size as 500MB, 200MiB, 1G or a number of bytes.`,
		Example: `  imgaudit cache prune --older-than 30d
  imgaudit cache prune --max-size 200MB`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			limits, err := parseLimits(olderThan, maxSize)
			if err != nil {
				return err
			}
			store, err := a.existingCache(dir)
			if err != nil {
				return err
			}
			var removed cache.Usage
			if store != nil {
				defer store.Close()
				if removed, err = store.Prune(limits); err != nil {
					return &unaudited{err}
				}
			}
			_, err = fmt.Fprintf(a.stdout, "removed %d entries, %s\n", removed.Entries, size(removed.Bytes))
			return err
		},
	}
	addCacheDir(c, &dir)
	c.Flags().StringVar(&olderThan, "older-than", "", "remove what was not used for this time")
	c.Flags().StringVar(&maxSize, "max-size", "", "remove what was not used for longest until the rest fits")
	return c
}

// parseLimits reads the flags of prune.
func parseLimits(olderThan, maxSize string) (cache.Limits, error) {
	l := cache.Limits{MaxSize: -1}
	var err error
	if olderThan == "" && maxSize == "" {
		return cache.Limits{MaxSize: 0}, nil
	}
	if olderThan != "" {
		if l.OlderThan, err = parseAge(olderThan); err != nil {
			return l, fmt.Errorf("reading --older-than: %w", err)
		}
	}
	if maxSize != "" {
		if l.MaxSize, err = parseSize(maxSize); err != nil {
			return l, fmt.Errorf("reading --max-size: %w", err)
		}
	}
	return l, nil
}

// parseAge reads a duration, which may be in days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is no number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration such as 12h or 30d", s)
	}
	return d, nil
}

// sizeUnits are the units of a size, longest names first.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1}, {"", 1}}

// parseSize reads a number of bytes, with or without a unit.
func parseSize(s string) (int64, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, fmt.Errorf("%q is no size such as 500MB or 1GiB", s)
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
