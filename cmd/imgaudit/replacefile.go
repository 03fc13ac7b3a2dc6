package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/imgaudit/imgaudit/pkg/repair"
)

// replaceFile puts the corrected text in the place of a file at once: a reader sees the old text or the new one. Mode and
// owner stay, a symbolic link keeps pointing to the file. It refuses a file that is not as it was read, and one that may
// not be written to.
func replaceFile(f repair.File) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}()
	if f.New {
		return newFile(f)
	}
	name, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		return err
	}
	old, err := os.OpenFile(name, os.O_RDWR, 0) // a file that is read-only stays as it is
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return err
	}
	now, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, f.Before) {
		return errors.New("it has changed since it was read; run again")
	}
	temp, err := writeTemp(name, f.After)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	if err := keepOwner(temp, info); err != nil {
		return err
	}
	if err := os.Chmod(temp, info.Mode().Perm()|info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return os.Rename(temp, name)
}

// newFile writes a file that must not exist yet.
func newFile(f repair.File) error {
	temp, err := writeTemp(f.Path, f.After)
	if err != nil {
		return err
	}
	if err = os.Chmod(temp, 0o644); err == nil {
		err = os.Link(temp, f.Path) // unlike a rename it takes no other file's place
	}
	return errors.Join(err, os.Remove(temp))
}

// writeTemp writes a text to a new file beside another one and has it reach the disk.
func writeTemp(beside string, text []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(beside), "."+filepath.Base(beside)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
