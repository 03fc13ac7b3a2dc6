// Package layers reads a container image from a registry, an OCI layout or an archive: its config, its history and
// its layers merged into one read-only file system in which every path knows the layer that put it there.
//
// It must never write to disk but into the cache it is given and the file that Export is asked for (with what passed through
// a pipe laid beside it until that is written), never execute anything, never follow a link out of the image, and never
// judge.
package layers

import "time"

// Image is one image for one platform. It is never changed after it was read.
type Image struct {
	Ref      string   `json:"ref"`              // as the user named it
	Source   string   `json:"source"`           // a Kind; of a stream what it turned out to be
	Digest   string   `json:"digest,omitempty"` // of the manifest, "sha256:..."; for a docker-archive the digest of its config
	Platform Platform `json:"platform"`
	Config   Config   `json:"config"`
	History  []Step   `json:"history,omitempty"`
	Layers   []Layer  `json:"layers"`
	// Base is the image it was built from, nil if its builder does not say.
	Base *Base `json:"base,omitempty"`
	// Provenance is what the builder says of how it made the image, nil if it says nothing.
	Provenance *Provenance `json:"provenance,omitempty"`
	// FS is the merged tree, nil when any layer could not be read: a tree with holes would prove false absences.
	FS *FS `json:"-"`
	// Predicted says that nobody built the image yet: it is what a build will make, see Stack.
	Predicted bool `json:"predicted,omitempty"`
	// Unread says what could not be read, in the order of the layers.
	Unread []Unread `json:"unread,omitempty"`

	strata []*stratum // what each layer says, nil for one that could not be read
	memo   *memo      // what is remembered of contents
}

// Unread is a part of the image that could not be looked at.
type Unread struct {
	What    string `json:"what"`    // "layer 3 sha256:..."
	Because string `json:"because"` // the error, one line
	Err     error  `json:"-"`       // the same for errors.Is
}

// Platform is os/architecture[/variant].
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
}

// String gives "linux/arm64/v8".
func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Config is the run-time configuration. Source: OCI image-spec config.md.
type Config struct {
	User         string            `json:"user,omitempty"`
	Env          []string          `json:"env,omitempty"` // "K=V"
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Cmd          []string          `json:"cmd,omitempty"`
	WorkingDir   string            `json:"workingDir,omitempty"`
	StopSignal   string            `json:"stopSignal,omitempty"`
	Shell        []string          `json:"shell,omitempty"`
	ExposedPorts []string          `json:"exposedPorts,omitempty"` // sorted
	Volumes      []string          `json:"volumes,omitempty"`      // sorted
	Labels       map[string]string `json:"labels,omitempty"`
	Healthcheck  []string          `json:"healthcheck,omitempty"` // Docker's Test: "CMD", "CMD-SHELL" or "NONE" first
	OnBuild      []string          `json:"onBuild,omitempty"`     // what a build that starts from the image runs first
	Created      time.Time         `json:"created,omitzero"`
}

// Getenv returns the value of a variable and whether it is set; of two, the last wins, as in execve's callers.
func (c Config) Getenv(key string) (string, bool) { return getenv(c.Env, key) }

// Step is one history entry. Source: OCI image-spec config.md, "history".
type Step struct {
	CreatedBy string `json:"createdBy,omitempty"`
	Comment   string `json:"comment,omitempty"`
	Empty     bool   `json:"empty,omitempty"`
	// Layer is the index in Image.Layers, -1 for an empty step, and for all when there are more steps than layers.
	Layer int `json:"layer"`
}

// Layer is one layer.
type Layer struct {
	Index     int    `json:"index"`
	Digest    string `json:"digest"`              // of the blob as stored
	DiffID    string `json:"diffID"`              // of the uncompressed tar
	MediaType string `json:"mediaType"`           //
	Size      int64  `json:"size"`                // bytes as stored
	TarSize   int64  `json:"tarSize"`             // bytes uncompressed, 0 if unread
	Entries   int    `json:"entries"`             // tar entries, whiteouts included
	Step      int    `json:"step"`                // index in Image.History, -1 if unknown
	Base      bool   `json:"base,omitempty"`      // known to come from the base image (Image.Base, Options.BaseDiffIDs)
	CreatedBy string `json:"createdBy,omitempty"` // of that step
	// Line and LastLine are the physical lines, from 1, of Provenance.Source whose instruction made the layer; 0 if not known.
	Line     int `json:"line,omitempty"`
	LastLine int `json:"lastLine,omitempty"`
}
