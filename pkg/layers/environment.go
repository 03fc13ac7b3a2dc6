package layers

import (
	"os"
	"path/filepath"
)

// environment is where the settings of other container tools are found.
type environment struct {
	get func(string) string
}

// processEnvironment is that of this process.
func processEnvironment() environment { return environment{get: os.Getenv} }

// home is the home directory, "" if there is none.
func (e environment) home() string { return e.get("HOME") }

// config is a tool's directory of the user's settings, "" without a home. Source: XDG Base Directory Specification.
func (e environment) config(tool string) string {
	if dir := e.get("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, tool)
	}
	if home := e.home(); home != "" {
		return filepath.Join(home, ".config", tool)
	}
	return ""
}

// runtime is a path below the user's run-time directory, "" without one.
func (e environment) runtime(path string) string {
	if dir := e.get("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, path)
	}
	return ""
}
