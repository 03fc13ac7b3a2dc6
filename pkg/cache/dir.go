package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dir is where the cache is unless the user says otherwise: imgaudit in $XDG_CACHE_HOME if that is absolute, else in
// $HOME/.cache. A home that is not there is not made. Source: XDG Base Directory Specification 0.8.
func Dir(lookupEnv func(string) (string, bool)) (string, error) {
	if dir, _ := lookupEnv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "imgaudit"), nil
	}
	home, _ := lookupEnv("HOME")
	if !filepath.IsAbs(home) {
		return "", errors.New("finding the cache: neither XDG_CACHE_HOME nor HOME is set")
	}
	if info, err := os.Stat(home); err != nil || !info.IsDir() {
		return "", fmt.Errorf("finding the cache: HOME %s is not a directory", home)
	}
	return filepath.Join(home, ".cache", "imgaudit"), nil
}
