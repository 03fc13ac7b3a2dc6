package prove

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Run is one start of an image.
type Run struct {
	// Image is what Load returned. Args replace the image's CMD, nil keeps it; Env is added to the image's.
	Image string
	Args  []string
	Env   []string
	User  string // "UID:GID", "" for the image's

	ReadOnly bool // root file system
	Tmpfs    []Tmpfs
	Binds    []Bind
	// NoResolver leaves the container without the resolv.conf that every engine gives.
	NoResolver bool

	Memory int64   // bytes, swap included
	CPUs   float64 // 0 for no quota
	Pids   int
	Time   time.Duration // after which the engine itself ends it, where it can

	network *network

	label string // of the proof, for the removal of leftovers
	dir   string // of the proof, for what the engine writes
}

// Tmpfs is a mounted tmpfs.
type Tmpfs struct {
	Path string
	Size int64 // bytes
	Mode os.FileMode
}

// Bind is a file or directory of this machine that is seen in the container, read-only.
type Bind struct{ Source, Target string }

// Exit is how a container ended.
type Exit struct {
	Code      int            // 0 when a signal ended it
	Signal    syscall.Signal // 0 when none did
	OOMKilled bool           // the memory limit ended it
	After     time.Duration  // since its start
	Refused   string         // why it was not started at all, in the engine's words; "" if it was
}

// container is one created container. Its methods may be called in this order only; remove may be called at any time, and
// leaves nothing.
type container interface {
	// start starts the program; an Exit with Refused set is an observation, an error is ours.
	start(ctx context.Context) error
	pid() int // of the program on this machine, 0 if it has ended
	signal(syscall.Signal) error
	// exec runs a further program in the container; what the engine itself says of it is in the words.
	exec(ctx context.Context, argv []string) (code int, words string, err error)
	wait(ctx context.Context) (Exit, error)
	output() string // what it printed, its first and its last kilobytes
	peak() int64    // of memory in bytes, 0 if it is not known
	// written lists what is new or changed on its root file system after its end, with what the engine itself made there.
	written(ctx context.Context) ([]string, error)
	remove() error
}

// runner keeps images and runs them.
type runner interface {
	load(ctx context.Context, archive string) (image string, err error)
	// network makes the network that the container of a run joins. It is there before the container and closed after it.
	network(ctx context.Context, r Run) (*network, error)
	create(ctx context.Context, r Run) (container, error)
	unload(image string) error
	close() error // after the last run
}
