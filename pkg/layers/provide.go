package layers

import "time"

// This file lists the doors through which rules ask what an image provides. Each topic's answer lives in the file
// named for it.
//
//	identity.go    func (f *FS) Identity(user string) Identity
//	access.go      func (f *FS) Access(path string, id Identity, want Permission) Access
//	entrypoint.go  func (img *Image) Process(id Identity) Process
//	shell.go       func (f *FS) Shell(path string) Shell
//	caroots.go     func (f *FS) CARoots(env []string, id Identity) CARoots
//	zoneinfo.go    func (f *FS) Zone(name string, env []string, goroot string) Lookup
//	localtime.go   func (f *FS) LocalTime(env []string) LocalTime, and LocalTimeOf for a known GOROOT
//	tempdir.go     func (f *FS) TempDir(env []string, id Identity) TempDir

// Identity is who a process of the image runs as.
type Identity struct {
	User   string `json:"user"` // as configured, "" means root
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Groups []int  `json:"groups,omitempty"` // supplementary
	Home   string `json:"home,omitempty"`
	// Err is what the run-time would say and refuse to start with, "" if it can be resolved:
	// "unable to find user nobody: no matching entries in passwd file".
	Err string `json:"err,omitempty"`
}

// Permission is what a process wants to do with a path.
type Permission uint8

// The permissions, as in access(2).
const (
	Exec  Permission = 1 << iota // x
	Write                        // w
	Read_                        // r
)

// Access is the answer to a question for access.
type Access struct {
	OK bool `json:"ok"`
	// Errno is "ENOENT", "EACCES", "ENOTDIR", "ELOOP"; "" if OK.
	Errno string `json:"errno,omitempty"`
	// At is the path component that decided: "/root" when its mode 0700 bars the way to /root/app.
	At string `json:"at,omitempty"`
	// Real is the path after symlinks, as far as it got.
	Real string `json:"real,omitempty"`
}

// Lookup is a search through places in order.
type Lookup struct {
	Path     string   `json:"path,omitempty"` // where it was found, "" if nowhere
	Searched []string `json:"searched"`       // the places looked at, in order, up to and including Path
}

// CARoots is what Go's crypto/x509 would load in this image.
// Source: crypto/x509/root_linux.go, root_unix.go.
type CARoots struct {
	Files        []CAFile `json:"files,omitempty"`
	Certificates int      `json:"certificates"`         // over all files, duplicates counted
	Roots        []CARoot `json:"roots,omitempty"`      // each once: what the program's pool holds
	Unreadable   []string `json:"unreadable,omitempty"` // exist, but not readable for the identity
	Skipped      []string `json:"skipped,omitempty"`    // exist, but could not be looked into: too big, too many, contents not given
	Searched     []string `json:"searched"`
	// Err is the error of x509.SystemCertPool, "" if it gives none: it gives none when nothing is there at all.
	Err string `json:"err,omitempty"`
}

// CAFile is one file with roots.
type CAFile struct {
	Path         string `json:"path"`
	Certificates int    `json:"certificates"`
}

// CARoot is one root certificate.
type CARoot struct {
	Subject   string    `json:"subject"`
	File      string    `json:"file"` // the first that holds it
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}

// LocalTime is what Go makes of TZ and /etc/localtime. Source: time/zoneinfo_unix.go initLocal.
type LocalTime struct {
	TZ   string `json:"tz"`             // value of TZ
	Set  bool   `json:"set"`            // TZ is in the environment (even empty: UTC)
	Path string `json:"path,omitempty"` // the file that decides, "" if none was found
	// Silent is true when a zone was asked for (TZ, or a dangling or broken /etc/localtime) and Go falls back to UTC without a word.
	Silent   bool     `json:"silent,omitempty"`
	Searched []string `json:"searched,omitempty"`
}

// TempDir is where os.CreateTemp("", ...) would write, and whether it can.
type TempDir struct {
	Dir    string `json:"dir"` // $TMPDIR or /tmp
	Access Access `json:"access"`
}

// Shell says what program a shell path really is, which decides how it treats signals and a last command.
type Shell struct {
	Path string `json:"path"`           // as asked: "/bin/sh"
	Real string `json:"real,omitempty"` // after symlinks, "" if missing
	// Kind is "dash", "bash", "busybox", "other" (a file of unknown make), "" if missing.
	Kind string `json:"kind,omitempty"`
}

// Process is PID 1 as the run-time starts it: which file, and in whose words it fails.
// Source: OCI runtime-spec config.md "process"; execve(2); runc libcontainer.
type Process struct {
	Argv []string `json:"argv"`           // entrypoint followed by cmd, shell form included: ["/bin/sh","-c","/app"]
	Path string   `json:"path,omitempty"` // argv[0] looked up in PATH or the working directory; "" if not found
	Real string   `json:"real,omitempty"` // after symlinks
	// Script is the chain of #! lines, outermost first, nil for a program.
	Script []Shebang `json:"script,omitempty"`
	// Program is the file the kernel loads in the end: Real, or the last script's interpreter; "" if not found.
	Program string `json:"program,omitempty"`
	// Fault is why it cannot start, "" if it can as far as the file system tells:
	// "no command", "not found", "not executable", "not reachable", "directory", "bad format", "interpreter not found", "user".
	Fault string `json:"fault,omitempty"`
	At    string `json:"at,omitempty"` // the path that decided
	// Message is the run-time's message (runc's words), "" if Fault is "". Variants are what runc says instead when it
	// was built with Go before 1.20, as some distributions still have it.
	Message  string   `json:"message,omitempty"`
	Variants []string `json:"variants,omitempty"`
	Searched []string `json:"searched,omitempty"`
}

// Shebang is one #! line.
type Shebang struct {
	File        string `json:"file"`
	Interpreter string `json:"interpreter"` // as written, a trailing CR included
	Arg         string `json:"arg,omitempty"`
}
