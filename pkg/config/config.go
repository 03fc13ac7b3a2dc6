// Package config reads .imgaudit.yaml: what a repository says once for every run. A flag and a variable say more.
//
// It must never guess: an unknown key, a wrong value and a key given twice are errors that name line and column.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// Name is the file's.
const Name = ".imgaudit.yaml"

// Config is what the file says. The zero value is that of no file.
type Config struct {
	File  string // its path, "" if there is none
	Prove Prove
}

// Prove is the section of `imgaudit prove`: what the program needs to be started and asked. Zero values are not given.
type Prove struct {
	Args     []string // replace the image's CMD; nil keeps it
	Env      []string // "K=V"
	Path     string   // of the HTTP request that it answers
	TLSPorts []string // at which the peer speaks TLS, beside 443
	Only     []string // names of conditions
	Ready    time.Duration
	Watch    time.Duration
	Grace    time.Duration
}

// Find looks for the file in a directory and those above it, up to the root of the repository: the directory that has a
// .git. Outside of a repository only the directory itself counts. It returns "" if there is none.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", Name, err)
	}
	found := ""
	for here := dir; ; here = filepath.Dir(here) {
		if found == "" {
			if file := filepath.Join(here, Name); exists(file) {
				found = file
			}
		}
		if exists(filepath.Join(here, ".git")) {
			return found, nil
		}
		if here == filepath.Dir(here) {
			break
		}
	}
	if filepath.Dir(found) == dir {
		return found, nil
	}
	return "", nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// maxFile bounds the file, in bytes.
const maxFile = 1 << 20

// Read reads a file; "" gives an empty Config.
func Read(file string) (*Config, error) {
	c := &Config{File: file}
	if file == "" {
		return c, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("reading %s: it is larger than %d bytes", file, maxFile)
	}
	if err := c.parse(data); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return c, nil
}

// parse reads the text.
func (c *Config) parse(data []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil // nothing but comments
	}
	return mapping(document.Content[0], map[string]reader{"prove": c.Prove.read})
}

func (p *Prove) read(n *yaml.Node) error {
	return mapping(n, map[string]reader{
		"args": list(&p.Args), "env": variables(&p.Env), "path": text(&p.Path), "tlsPorts": ports(&p.TLSPorts), "only": list(&p.Only),
		"ready": duration(&p.Ready), "watch": duration(&p.Watch), "grace": duration(&p.Grace),
	})
}
