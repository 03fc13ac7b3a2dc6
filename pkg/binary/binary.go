// Package binary reads an ELF executable, above all one built by Go, and says what it needs at run time.
//
// It must never execute the file, never trust a size or offset written in it, and never judge: whether a need is
// met is decided elsewhere.
package binary

import (
	"errors"
	"io"
	"slices"
)

// Certainty says how sure a need is.
type Certainty string

// The certainties, strongest first.
const (
	// Proven: the facts leave no other outcome. The call graph shows a path from main or an init function of which each
	// step is taken whatever the program is given, unless it fails before, and the arguments decide.
	Proven Certainty = "proven"
	// Likely: reachable code, but the outcome or the way there depends on input.
	Likely Certainty = "likely"
	// Possible: linked into the program, reachability unknown.
	Possible Certainty = "possible"
)

// Topic names what is needed. The same word names the file in pkg/layers and pkg/rules that deals with it.
type Topic string

// The topics.
const (
	TopicLoader       Topic = "loader"        // the ELF interpreter; Names: its path
	TopicLibraries    Topic = "libraries"     // shared libraries; Names: the NEEDED entries
	TopicCARoots      Topic = "ca-roots"      // the system's certificate roots, to verify TLS servers
	TopicZoneinfo     Topic = "zoneinfo"      // named time zones; Names: those named by constants, nil if dynamic
	TopicLocalTime    Topic = "local-time"    // time.Local, as TZ and /etc/localtime decide it
	TopicTempDir      Topic = "temp-dir"      // a writable directory; Names: constant directories, nil for $TMPDIR or /tmp
	TopicUserDatabase Topic = "user-database" // /etc/passwd and /etc/group through os/user; Names: those looked up by constants, a group's as ":NAME"
	TopicExec         Topic = "exec"          // other programs; Names: those named by constants
	TopicResolver     Topic = "resolver"      // host names; Names: the resolver in use, see the Resolver constants
	TopicPlugin       Topic = "plugin"        // code loaded at run time; Names: "plugin.Open", "dlopen"
	TopicMIMETypes    Topic = "mime-types"    // the system's MIME tables, to know more than Go's built-in types; Names: extensions named by constants
	TopicFiles        Topic = "files"         // files opened by a constant absolute path; Names: the paths
	TopicEnvironment  Topic = "environment"   // environment variables read by a constant name; Names: the names
)

// Evidence is one line that a person can check.
type Evidence struct {
	// Text says what was seen, e.g. `calls time.LoadLocation("Asia/Shanghai")`.
	Text string `json:"text"`
	// Path is the chain of functions from main or an init function to the call, nil if none was found.
	Path []string `json:"path,omitempty"`
	// Offset is the place in the file, in bytes, of the instruction or name that decided; 0 if there is none.
	Offset int64 `json:"offset,omitempty"`
}

// Need is a thing the program requires at run time.
type Need struct {
	Topic     Topic      `json:"topic"`
	Certainty Certainty  `json:"certainty"`
	Names     []string   `json:"names,omitempty"` // see the topics; sorted, no duplicates
	Evidence  []Evidence `json:"evidence,omitempty"`
}

// Signals says which signals the program handles itself.
// Source: os/signal; runtime/signal_unix.go for what happens without.
type Signals struct {
	// Notify is true when os/signal.Notify survived linking (NotifyContext calls it): some handler may exist.
	// False is proof that the program handles no signal.
	Notify bool `json:"notify"`
	// Handled are the numbers given to Notify or NotifyContext as constants, ascending (syscall.SIGTERM is 15);
	// Ignored those given to Ignore.
	Handled []int `json:"handled,omitempty"`
	Ignored []int `json:"ignored,omitempty"`
	// All is true when a Notify without a list was found: it catches every signal that can be caught.
	All bool `json:"all,omitempty"`
	// Unknown is true when a call was found whose signals are not constants: Handled may lack some.
	Unknown  bool       `json:"unknown,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Handles says whether the program handles a signal: yes, no, or unknown (known is false).
func (s Signals) Handles(number int) (handles, known bool) {
	switch {
	case !s.Notify:
		return false, true
	case s.All || slices.Contains(s.Handled, number):
		return true, true
	}
	return false, !s.Unknown
}

// Server says whether the program accepts network connections.
type Server struct {
	// Listens is true when a listening socket is opened by linked code (net.Listen and its kin).
	Listens   bool      `json:"listens"`
	Certainty Certainty `json:"certainty,omitempty"` // of Listens, "" if it does not
	Shutdown  bool      `json:"shutdown"`            // net/http.(*Server).Shutdown survived linking
	Ports     []int     `json:"ports,omitempty"`     // TCP ports of constant listening addresses, ascending
	// Profiling says how sure it is that net/http/pprof answers on a port that is served to others than the program
	// itself, "" if it is not linked.
	Profiling         Certainty  `json:"profiling,omitempty"`
	ProfilingEvidence []Evidence `json:"profilingEvidence,omitempty"` // where it is registered and served
	Evidence          []Evidence `json:"evidence,omitempty"`
}

// Children says whether the program starts processes, and whether it waits for those that are left to it.
type Children struct {
	Starts Certainty `json:"starts,omitempty"` // "" if it does not
	// Reaps is true when it may wait for children that it did not start: it calls wait4 for any, or handles SIGCHLD.
	Reaps    bool       `json:"reaps,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Binary is all that was read of one executable. It is never changed after Read returned it.
type Binary struct {
	Path string `json:"path"` // as given to Read; where the binary stands in the image
	Size int64  `json:"size"` // bytes
	ELF  *ELF   `json:"elf"`
	// Go is nil for a program that was not built by Go, or whose build information is gone.
	Go *GoInfo `json:"go,omitempty"`
	// Opaque says why the Go part cannot be seen ("packed with UPX", "obfuscated: function names are gone"), "" if it can.
	// Needs of an opaque binary are unknown, not absent.
	Opaque  string  `json:"opaque,omitempty"`
	Needs   []Need  `json:"needs"` // sorted by topic as listed above
	Signals Signals `json:"signals"`
	Server  Server  `json:"server"`
	// Children is what it does with processes of its own.
	Children Children `json:"children,omitzero"`
	// Features are facts that meet a need inside the program, or change how it behaves; in the order of the constants.
	Features []Feature `json:"features,omitempty"`
	// Stubs are packages that were built without the cgo they cannot do without: they link, and fail when used.
	Stubs []Stub `json:"stubs,omitempty"`
	// Secrets are strings in the file that have the shape of nothing but a secret.
	Secrets []Secret `json:"secrets,omitempty"`
	// Layout is the file's sections, hardening and identity.
	Layout Layout `json:"layout"`
}

// Stub is a package whose pure Go part only says that it needs cgo.
type Stub struct {
	Package   string     `json:"package"`   // "github.com/mattn/go-sqlite3"
	Words     string     `json:"words"`     // what it says when it is used
	Certainty Certainty  `json:"certainty"` // that it is used
	Evidence  []Evidence `json:"evidence,omitempty"`
}

// Secret is a string of a well-known shape. The value itself is never kept.
type Secret struct {
	Shape  string `json:"shape"`  // "private key", "AWS access key"
	Offset int64  `json:"offset"` // in the file, bytes
}

// The resolvers, as the name of TopicResolver.
const (
	ResolverGo  = "go"  // net's own: reads /etc/resolv.conf, /etc/hosts, /etc/nsswitch.conf (the last without need since Go 1.16)
	ResolverCgo = "cgo" // libc's getaddrinfo may be asked: NSS libraries and configuration
)

// Feature is something built into the program that an image then need not provide.
type Feature struct {
	Name     string     `json:"name"`         // one of the constants
	By       string     `json:"by,omitempty"` // the package that brings it
	Evidence []Evidence `json:"evidence,omitempty"`
}

// The features.
const (
	FeatureTZData = "embedded-tzdata" // time/tzdata, also by -tags timetzdata
	FeatureRoots  = "embedded-roots"  // crypto/x509.SetFallbackRoots, x509roots/fallback and its kin
	FeatureProcs  = "automaxprocs"    // go.uber.org/automaxprocs and its kin: GOMAXPROCS from the CPU limit
	FeatureMemory = "automemlimit"    // github.com/KimMachineGun/automemlimit and its kin: GOMEMLIMIT from the memory limit
	FeatureFIPS   = "fips140"         // built with GOFIPS140 or fips140 on by default
	FeatureBoring = "boringcrypto"    // GOEXPERIMENT=boringcrypto
)

// Need returns the need of a topic, and whether the program has it.
func (b *Binary) Need(t Topic) (Need, bool) {
	for _, n := range b.Needs {
		if n.Topic == t {
			return n, true
		}
	}
	return Need{}, false
}

// Feature returns a feature by name, and whether the program has it.
func (b *Binary) Feature(name string) (Feature, bool) {
	for _, f := range b.Features {
		if f.Name == name {
			return f, true
		}
	}
	return Feature{}, false
}

// ErrNotELF is returned, wrapped, for a file that is no ELF file. The text names what it is when that can be told
// (a Mach-O or PE executable, a script, an archive).
var ErrNotELF = errors.New("not an ELF file")

// ErrNotGo says that an ELF file was not built by Go. Read does not return it: a non-Go ELF has a linkage worth
// reading. Callers that want a Go program compare Binary.Go with nil and use it.
var ErrNotGo = errors.New("not built by Go")

// Read reads an executable of size bytes. path is recorded, not opened.
//
// A file that is no ELF gives ErrNotELF; a damaged one gives an error that says which part; Read never panics and
// holds memory within a constant plus a small multiple of the function table.
func Read(r io.ReaderAt, size int64, path string) (*Binary, error) { return read(r, size, path) }
