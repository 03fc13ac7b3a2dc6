package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// The size of a cache that nobody prunes by hand.
const (
	DefaultSize = 1 << 30  // bytes; beyond them the entries unused for longest go
	tidyEvery   = 64 << 20 // bytes written by one process before it looks again
	tidyAfter   = time.Hour
	tidyStamp   = "tidied" // its time says when the size was last looked at
)

// tempPrefix begins the names of files being written; tempAge is when their writer is taken for dead.
const (
	tempPrefix = ".new-"
	tempAge    = time.Hour
)

// Usage is what a kind of entries takes up.
type Usage struct {
	Kind    Kind
	Entries int
	Bytes   int64 // of the files
}

// file is one entry on disk.
type file struct {
	name string
	kind Kind
	size int64
	used time.Time
}

// files lists the entries, and the temporary files of dead writers. Whatever else is in the directory is not listed.
func (s *Store) files() (entries, dead []file, err error) {
	kinds, err := s.list(".")
	if err != nil {
		return nil, nil, fmt.Errorf("listing the cache: %w", err)
	}
	for _, kind := range kinds {
		if !kind.IsDir() {
			continue
		}
		shards, err := s.list(kind.Name())
		if err != nil {
			return nil, nil, fmt.Errorf("listing the cache: %w", err)
		}
		for _, shard := range shards {
			if len(shard.Name()) != 2 || !shard.IsDir() {
				continue
			}
			dir := path.Join(kind.Name(), shard.Name())
			names, err := s.list(dir)
			if err != nil {
				return nil, nil, fmt.Errorf("listing the cache: %w", err)
			}
			for _, e := range names {
				info, err := e.Info()
				if err != nil || !info.Mode().IsRegular() {
					continue // gone in the meantime, or none of ours
				}
				f := file{path.Join(dir, e.Name()), Kind(kind.Name()), info.Size(), info.ModTime()}
				switch {
				case isEntry(e.Name(), shard.Name()):
					entries = append(entries, f)
				case strings.HasPrefix(e.Name(), tempPrefix) && s.now().Sub(f.used) > tempAge:
					dead = append(dead, f)
				}
			}
		}
	}
	return entries, dead, nil
}

// list reads a directory of the cache; one that went away in the meantime is empty.
func (s *Store) list(dir string) ([]fs.DirEntry, error) {
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// isEntry tells an entry's file by its name.
func isEntry(name, shard string) bool {
	return len(name) == 64 && strings.HasPrefix(name, shard) && strings.Trim(name, "0123456789abcdef") == ""
}

// Stats says what each kind of entries takes up, by kind.
func (s *Store) Stats() ([]Usage, error) {
	entries, _, err := s.files()
	if err != nil {
		return nil, err
	}
	byKind := map[Kind]Usage{}
	for _, f := range entries {
		u := byKind[f.kind]
		byKind[f.kind] = Usage{f.kind, u.Entries + 1, u.Bytes + f.size}
	}
	var list []Usage
	for _, u := range byKind {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b Usage) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return list, nil
}

// Limits say what Prune leaves.
type Limits struct {
	OlderThan time.Duration // entries unused for longer go; 0: none for their age
	MaxSize   int64         // bytes that may remain; those unused for longest go first. Negative: any
}

// Prune removes entries, by their last use as Get and Put have noted it to the hour. Others may use the cache meanwhile:
// to them a removed entry is absent.
func (s *Store) Prune(l Limits) (removed Usage, err error) {
	entries, dead, err := s.files()
	if err != nil {
		return removed, err
	}
	for _, f := range dead {
		_ = s.root.Remove(f.name)
	}
	var total int64
	for _, f := range entries {
		total += f.size
	}
	slices.SortFunc(entries, func(a, b file) int {
		if c := a.used.Compare(b.used); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	for _, f := range entries {
		tooOld := l.OlderThan > 0 && s.now().Sub(f.used) > l.OlderThan
		if !tooOld && (l.MaxSize < 0 || total <= l.MaxSize) {
			continue
		}
		if err := s.root.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("pruning the cache: %w", err)
		}
		total -= f.size
		removed.Entries++
		removed.Bytes += f.size
	}
	return removed, nil
}

// tidyIfDue is tidy, at most once in tidyAfter over all processes.
func (s *Store) tidyIfDue() {
	if info, err := s.root.Lstat(tidyStamp); err == nil && s.now().Sub(info.ModTime()) < tidyAfter {
		return
	}
	s.tidy()
}

// tidy brings a cache that has outgrown its size back to three quarters of it. It is nobody's concern if it cannot.
func (s *Store) tidy() {
	if f, err := s.root.OpenFile(tidyStamp, os.O_WRONLY|os.O_CREATE, 0o600); err == nil {
		f.Close()
		_ = s.root.Chtimes(tidyStamp, s.now(), s.now())
	}
	usage, err := s.Stats()
	if err != nil {
		return
	}
	var total int64
	for _, u := range usage {
		total += u.Bytes
	}
	if total > DefaultSize {
		_, _ = s.Prune(Limits{MaxSize: DefaultSize / 4 * 3})
	}
}
