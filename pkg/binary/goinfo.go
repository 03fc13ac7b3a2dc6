package binary

// GoInfo is what the Go toolchain wrote into the program about its own build. It is a claim (an intent), not a
// fact about linkage: compare with ELF. Source: runtime/debug.BuildInfo, debug/buildinfo.
type GoInfo struct {
	Version  string            `json:"version"`            // "go1.26.8"
	Path     string            `json:"path,omitempty"`     // main package path
	Main     Module            `json:"main"`               // main module
	Deps     []Module          `json:"deps,omitempty"`     // in the order of the build information
	Settings map[string]string `json:"settings,omitempty"` // CGO_ENABLED, -tags, -ldflags, GOARCH, vcs.revision, DefaultGODEBUG ...
	// GOROOT is the builder's GOROOT compiled into the program, "" with -trimpath. time.LoadLocation looks there
	// for lib/time/zoneinfo.zip. Source: runtime.GOROOT, time/zoneinfo_goroot.go.
	GOROOT string `json:"goroot,omitempty"`
}

// Module is one module of the build.
type Module struct {
	Path    string  `json:"path,omitempty"`
	Version string  `json:"version,omitempty"`
	Sum     string  `json:"sum,omitempty"`
	Replace *Module `json:"replace,omitempty"`
}
