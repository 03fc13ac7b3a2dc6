// Package dep is vendored by a workspace.
package dep

// Name says who it is.
func Name() string { return "workspace-vendor" }
