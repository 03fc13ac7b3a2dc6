// Package cache keeps facts on disk between runs: small byte strings under a key that says all they depend on.
//
// It must never be believed more than a fresh look: an entry that is cut off, damaged or of another build of imgaudit
// is absent, and a cache that cannot be written costs time only. It must never touch anything outside its directory.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"time"
)

// Store is a cache directory. It is safe for concurrent use, also by several processes at once. A nil Store has
// nothing, and forgets everything.
type Store struct {
	root  *os.Root
	build string
	now   func() time.Time

	hits, misses, damaged atomic.Int64
	written               atomic.Int64 // bytes since the size was last looked at

	mu  sync.Mutex
	err error // the first reason why an entry could not be written
}

// Open opens the cache in a directory, made with mode 0700 if it is not there. A directory that somebody else owns or
// may write to is refused: what is in it decides verdicts.
func Open(dir string) (*Store, error) { return open(dir, Build()) }

func open(dir, build string) (*Store, error) {
	if build == "" {
		return nil, errors.New("opening the cache: this build of imgaudit cannot be told from others")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = safe(info)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("opening the cache %s: %w", dir, err)
	}
	return &Store{root: root, build: build, now: time.Now}, nil
}

// Kind is a kind of fact, which names a directory of the cache.
type Kind string

// fileName is where the entry of a key is. The key is hashed together with the build of imgaudit that made the facts.
func (s *Store) fileName(kind Kind, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", s.build, kind, key))
	name := hex.EncodeToString(sum[:])
	return path.Join(string(kind), name[:2], name)
}

// touchAfter is how old the note of an entry's last use may be.
const touchAfter = time.Hour

// Get returns the bytes put under a key, and whether they are there, whole.
func (s *Store) Get(kind Kind, key string) ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	name := s.fileName(kind, key)
	data, info, err := s.read(name)
	if errors.Is(err, errDamaged) {
		s.damaged.Add(1)
		_ = s.root.Remove(name)
	}
	if err != nil {
		s.misses.Add(1)
		return nil, false
	}
	s.hits.Add(1)
	if now := s.now(); now.Sub(info.ModTime()) > touchAfter {
		_ = s.root.Chtimes(name, now, now)
	}
	return data, true
}

// read returns the payload of an entry's file.
func (s *Store) read(name string) ([]byte, fs.FileInfo, error) {
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() < headSize || info.Size() > headSize+MaxEntry {
		return nil, info, errDamaged
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, info, errDamaged
	}
	payload, err := unseal(name, data)
	return payload, info, err
}

// Put stores bytes under a key, whole or not at all. What it cannot store it forgets; Err says why.
func (s *Store) Put(kind Kind, key string, data []byte) {
	if s == nil || len(data) > MaxEntry {
		return
	}
	if err := s.write(s.fileName(kind, key), data); err != nil {
		s.mu.Lock()
		if s.err == nil {
			s.err = fmt.Errorf("writing to the cache: %w", err)
		}
		s.mu.Unlock()
		return
	}
	if s.written.Add(headSize+int64(len(data))) > tidyEvery {
		s.written.Store(0)
		s.tidy()
	}
}

// write makes an entry's file: under another name first, so that nobody sees half of it.
func (s *Store) write(name string, data []byte) error {
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	temp := fmt.Sprintf("%s/%s%d-%x", path.Dir(name), tempPrefix, os.Getpid(), rand.Uint64())
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(seal(name, data))
	if err == nil {
		_, err = f.Write(data)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = s.root.Rename(temp, name)
	}
	if err != nil {
		_ = s.root.Remove(temp)
	}
	return err
}

// Err is the first reason why an entry could not be written, nil if all were.
func (s *Store) Err() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Counts says how often Get found an entry, found none, and threw a damaged one away.
func (s *Store) Counts() (hits, misses, damaged int64) {
	if s == nil {
		return 0, 0, 0
	}
	return s.hits.Load(), s.misses.Load(), s.damaged.Load()
}

// Close looks after the size of the cache, if anything was written and nobody has done so lately.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	if s.written.Load() > 0 {
		s.tidyIfDue()
	}
	return s.root.Close()
}
