package layers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// defaultPath is the PATH that Docker, containerd and Podman give when the image sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// SearchPath is the value of PATH that a process of the image has.
func (c Config) SearchPath() string {
	if search, set := c.Getenv("PATH"); set {
		return search
	}
	return defaultPath
}

// What keeps a process from starting: the values of Process.Fault.
const (
	FaultNoCommand     = "no command"
	FaultNotFound      = "not found"
	FaultNotExecutable = "not executable"
	FaultNotReachable  = "not reachable"
	FaultDirectory     = "directory"
	FaultBadFormat     = "bad format"
	FaultInterpreter   = "interpreter not found"
	FaultUser          = "user"
)

// Process tells what the run-time makes of entrypoint and command for an identity: lookup in PATH or, for a name with
// a slash, from the working directory; permission to reach and execute it; the chain of "#!" interpreters. An ELF file
// is taken as it is: whether the kernel can load it is the binary's affair. Img.FS must not be nil.
//
// The run-time changes into the working directory (and makes it) while still root, so a relative name asks nothing of
// the directories above it. Sources: runc libcontainer/standard_init_linux.go, init_linux.go; os/exec/lp_unix.go;
// fs/exec.c, fs/binfmt_script.c.
func (img *Image) Process(id Identity) Process {
	p := Process{Argv: append(append([]string{}, img.Config.Entrypoint...), img.Config.Cmd...)}
	if id.Err != "" {
		return p.fail(FaultUser, "", id.Err)
	}
	if len(p.Argv) == 0 || p.Argv[0] == "" {
		return p.fail(FaultNoCommand, "", "no command specified")
	}
	l := launch{tree: img.FS.tree, id: id, cwd: path.Clean("/" + img.Config.WorkingDir)}
	if strings.Contains(p.Argv[0], "/") {
		return l.direct(p)
	}
	return l.lookup(p, img.Config.SearchPath())
}

func (p Process) fail(fault, at, message string) Process {
	p.Fault, p.At, p.Message = fault, at, message
	return p
}

// launch is the start of one process.
type launch struct {
	tree *tree
	id   Identity
	cwd  string
}

// direct starts a file named with a slash.
func (l launch) direct(p Process) Process {
	name := p.Argv[0]
	p.Searched = []string{path.Join(l.cwd, name)}
	if strings.HasPrefix(name, "/") {
		p.Searched[0] = path.Clean(name)
	}
	n, at, err := l.stat(name)
	if err != nil {
		fault := FaultNotFound
		if errors.Is(err, syscall.EACCES) {
			fault = FaultNotReachable
		}
		return p.fail(fault, at, fmt.Sprintf("exec: %q: stat %s: %v", name, name, err))
	}
	p.Path, p.Real = p.Searched[0], n.entry.Path
	switch {
	case n.isDir():
		p.Variants = []string{fmt.Sprintf("exec: %q: permission denied", name)}
		return p.fail(FaultDirectory, at, fmt.Sprintf("exec: %q: is a directory", name))
	case !l.id.may(&n.entry, Exec):
		if n.entry.Mode.Perm()&0o111 != 0 {
			p.Variants = []string{"exec " + name + ": permission denied"}
		}
		return p.fail(FaultNotExecutable, at, fmt.Sprintf("exec: %q: permission denied", name))
	}
	return l.load(p, n, name)
}

// lookup finds a bare name in PATH. Whatever is wrong with a candidate, the search goes on.
func (l launch) lookup(p Process, search string) Process {
	name, at := p.Argv[0], ""
	for _, dir := range strings.Split(search, ":") {
		if search == "" {
			break
		}
		candidate := path.Join(dir, name)
		p.Searched = append(p.Searched, candidate)
		relative := !path.IsAbs(candidate)
		if relative {
			candidate = "./" + candidate
		}
		n, where, err := l.stat(candidate)
		switch {
		case err == nil && !n.isDir() && l.id.may(&n.entry, Exec):
			p.Path, p.Real = path.Join(l.cwd, candidate), n.entry.Path
			if relative {
				return p.fail(FaultNotFound, p.Path,
					fmt.Sprintf("exec: %q: cannot run executable found relative to current directory", name))
			}
			p.Path = candidate
			return l.load(p, n, candidate)
		case at == "" && (err == nil || errors.Is(err, syscall.EACCES)):
			at = where
		}
	}
	return p.fail(FaultNotFound, at, fmt.Sprintf("exec: %q: executable file not found in $PATH", name))
}

// stat finds a name as the process sees it: from the working directory unless it is absolute.
func (l launch) stat(name string) (*node, string, error) {
	if strings.HasPrefix(name, "/") {
		return l.tree.follow(name, true, l.id.search)
	}
	cwd, at, err := l.tree.follow(l.cwd, true, nil)
	if err != nil {
		return nil, at, err
	}
	return l.tree.followFrom(cwd, name, true, l.id.search)
}

// load follows the "#!" chain from an executable file. shown is the name the run-time hands to execve.
func (l launch) load(p Process, n *node, shown string) Process {
	for depth := 0; ; depth++ {
		head, err := n.head(scriptHead)
		if err != nil && depth == 0 && n.entry.ELF {
			head = []byte(elfMagic)
		} else if err != nil {
			return p.fail(FaultBadFormat, n.entry.Path, fmt.Sprintf("not looked into: %v", err))
		}
		interpreter, arg, script, err := shebang(head)
		switch {
		case err != nil || !script && !strings.HasPrefix(string(head), elfMagic):
			return p.fail(FaultBadFormat, n.entry.Path, "exec "+shown+": exec format error")
		case !script:
			p.Program = n.entry.Path
			return p
		case depth == maxScripts:
			return p.fail(FaultBadFormat, n.entry.Path, "exec "+shown+": too many levels of symbolic links")
		}
		p.Script = append(p.Script, Shebang{File: n.entry.Path, Interpreter: interpreter, Arg: arg})
		next, at, err := l.stat(interpreter)
		switch {
		case errors.Is(err, syscall.EACCES):
			return p.fail(FaultNotReachable, at, "exec "+shown+": permission denied")
		case err != nil:
			return p.fail(FaultInterpreter, at, fmt.Sprintf("exec %s: %v", shown, err))
		case !next.entry.Mode.IsRegular() || !l.id.may(&next.entry, Exec):
			return p.fail(FaultNotExecutable, at, "exec "+shown+": permission denied")
		}
		n = next
	}
}

// head returns the first bytes of a regular file, at most limit.
func (n *node) head(limit int) ([]byte, error) {
	if !n.entry.Mode.IsRegular() {
		return nil, fs.ErrInvalid
	}
	src, err := n.content.open(n.entry.Size)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	b := make([]byte, min(n.entry.Size, int64(limit)))
	if _, err := io.ReadFull(io.NewSectionReader(src, 0, n.entry.Size), b); err != nil {
		return nil, err
	}
	return b, nil
}
