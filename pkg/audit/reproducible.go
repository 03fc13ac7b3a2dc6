package audit

// Reproducible is what two builds of one Dockerfile gave: the same image, or where the two differ and why.
type Reproducible struct {
	Same    bool          `json:"same"`
	Digests []string      `json:"digests"` // of both images; fewer if a build failed
	Epoch   string        `json:"epoch"`   // SOURCE_DATE_EPOCH of both builds, in seconds since 1970
	Varied  []string      `json:"varied"`  // what was different for the second build
	Failed  string        `json:"failed,omitempty"`
	Seconds [2]float64    `json:"seconds"` // that each build took
	Differs []Difference  `json:"differences"`
	More    int           `json:"more,omitempty"`   // differences that are not listed
	Unread  []NotCompared `json:"unread,omitempty"` // what could not be looked into
}

// NotCompared is what the two images could not be compared in.
type NotCompared struct {
	What    string `json:"what"`
	Because string `json:"because"`
}

// DiffCause is why something differs between two builds.
type DiffCause string

// The causes.
const (
	CauseTime        DiffCause = "time"          // of the build, written into a file or a name
	CauseLinkedTime  DiffCause = "linked time"   // of the build, linked into a Go program: -X main.date=$(date)
	CauseBuildPath   DiffCause = "build path"    // directories of the builder in a program: no -trimpath
	CauseVCS         DiffCause = "vcs stamp"     // vcs.revision, vcs.time or vcs.modified in a Go program
	CauseBuildID     DiffCause = "build ID"      // and nothing else of a program
	CauseSettings    DiffCause = "settings"      // other flags or variables of go build
	CauseModules     DiffCause = "modules"       // other versions of dependencies
	CauseRandom      DiffCause = "random"        // mktemp, generated keys and ids
	CauseOrder       DiffCause = "order"         // the same parts in another order: a map or a directory that is not sorted
	CausePackages    DiffCause = "package files" // logs and caches of a package manager
	CauseBase        DiffCause = "base image"    // its tag names another image
	CauseCompression DiffCause = "compression"   // the same tar, packed in another way
	CauseFollows     DiffCause = "follows"       // from another difference
	CauseUnknown     DiffCause = "unknown"
)

// Difference is one thing that is not the same in two images.
type Difference struct {
	What    string    `json:"what"`            // "content", "mode", "owner", "mtime", "type", "link", "attributes", "order", "only first", "only second", "name", "layer", "compression", "config"
	Path    string    `json:"path,omitempty"`  // of a file, rooted; of a config its key
	Layer   *LayerRef `json:"layer,omitempty"` // of the first image, nil for the config
	First   string    `json:"first"`           // how it is in each
	Second  string    `json:"second"`
	Cause   DiffCause `json:"cause"`
	Because string    `json:"because,omitempty"` // how the cause is known
	Remedy  string    `json:"remedy,omitempty"`
	// Sections are those of a program whose bytes differ.
	Sections []string  `json:"sections,omitempty"`
	Blame    Blame     `json:"blame"`
	Location *Location `json:"location,omitempty"`
}
