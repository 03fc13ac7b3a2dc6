package audit

// Proof is what was built, run and observed, beside what was foretold.
type Proof struct {
	Engines []string `json:"engines"` // "buildkit 0.31.2", "podman 4.3.1"
	Image   string   `json:"image"`   // the digest of what was run
	Seconds float64  `json:"seconds"` // the whole proof
	Build   *Built   `json:"build,omitempty"`
	Steps   []Step   `json:"steps"`
	// Skipped are the conditions that were not run.
	Skipped []SkippedStep `json:"skipped"`
	// Outcome is the worst of the steps': OutcomeDiffers, OutcomeUnproven, OutcomeHolds.
	Outcome Outcome `json:"outcome"`
	// Reproducible is what two builds gave, nil if it was not asked for; there are no steps then.
	Reproducible *Reproducible `json:"reproducible,omitempty"`
}

// Built is one build.
type Built struct {
	Dockerfile string  `json:"dockerfile"`
	Seconds    float64 `json:"seconds"`
	// Failed is the engine's line that says why it did not build, "" if it did.
	Failed string   `json:"failed,omitempty"`
	Output []string `json:"output,omitempty"` // the engine's last lines, if it failed
	// Predictions are the findings of the Dockerfile's audit about its build.
	Predictions []Prediction `json:"predictions"`
	Outcome     Outcome      `json:"outcome"`
	Because     string       `json:"because"` // one line: why the outcome is what it is
}

// SkippedStep is a condition that was not run: it cannot be said of this image, or there is nothing to compare it with.
type SkippedStep struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// Outcome says whether what was foretold is what happened.
type Outcome string

// The outcomes.
const (
	OutcomeHolds    Outcome = "holds"       // what happened was foretold
	OutcomeDiffers  Outcome = "differs"     // something else happened
	OutcomeUnproven Outcome = "not started" // the program could not be brought to where the prediction could be seen
)

// Step is one run of the image under one condition.
type Step struct {
	Name    string   `json:"name"`    // "as built", "read-only root"
	Command []string `json:"command"` // of imgaudit that does the same again, nil if there is none. Values of --env are left out
	// Predictions are the findings that the audit of this very image, changed as the step says, has about running it.
	Predictions []Prediction `json:"predictions"`
	Observed    Observation  `json:"observed"`
	Outcome     Outcome      `json:"outcome"`
	Because     string       `json:"because"` // one line: why the outcome is what it is
	Seconds     float64      `json:"seconds"`
}

// Prediction is one finding that a run can show.
type Prediction struct {
	Rule      string    `json:"rule"`
	Severity  Severity  `json:"severity"`
	Certainty Certainty `json:"certainty"`
	Message   string    `json:"message"`
	Words     string    `json:"words,omitempty"`
	Seen      bool      `json:"seen"` // it happened in this run
}

// Observation is what was seen of a container. Times are in seconds since its start, sizes in bytes.
type Observation struct {
	Refused   string   `json:"refused,omitempty"` // why the engine did not start the program, in its words
	Ended     bool     `json:"ended"`             // by itself, before it was told to
	ExitCode  *int     `json:"exitCode,omitempty"`
	Signal    string   `json:"signal,omitempty"` // that ended it: "killed"
	OOMKilled bool     `json:"oomKilled,omitempty"`
	Seconds   float64  `json:"seconds"`
	FirstLine string   `json:"firstError,omitempty"` // the line of its output that says what went wrong
	Memory    int64    `json:"memory,omitempty"`     // at most, resident
	Listens   []string `json:"listens,omitempty"`    // addresses
	Ready     float64  `json:"ready,omitempty"`      // when it listened
	Status    int      `json:"status,omitempty"`     // of the answer to the first HTTP request
	// Lookups are the names it asked for, Handshakes the TLS connections it made to the peer that every name leads to.
	Lookups    []string    `json:"lookups,omitempty"`
	Handshakes []Handshake `json:"handshakes,omitempty"`
	Health     *Checked    `json:"health,omitempty"` // nil when the image declares no check, or it was not run
	Stop       *Stopped    `json:"stop,omitempty"`
	GOMAXPROCS int         `json:"gomaxprocs,omitempty"`
	// Writes are the files that it created or changed outside of mounts and volumes, seen in the run as built alone.
	Writes []string `json:"writes,omitempty"`
}

// Handshake is one TLS connection that the program made, as its peer saw it.
type Handshake struct {
	Server  string `json:"server"`            // the name that the program asked for, "" if none
	Refused string `json:"refused,omitempty"` // the program's alert: "tls: unknown certificate authority"; "" if it went well
}

// Checked is one run of the declared health check in the container.
type Checked struct {
	Command  []string `json:"command"`
	ExitCode int      `json:"exitCode"` // 0 healthy, 1 unhealthy, others as the engine or the shell gives them
	Words    string   `json:"words,omitempty"`
}

// Stopped is how a program took a signal.
type Stopped struct {
	Signal  string  `json:"signal"`
	Seconds float64 `json:"seconds"` // until it ended
	Lost    bool    `json:"lost"`    // it did not end in time, and was killed
	// Request is what became of an HTTP request that was under way: "answered", "lost", "" if there was none.
	Request string `json:"request,omitempty"`
}
