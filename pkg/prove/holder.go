package prove

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// holderCode is a program for each architecture that waits for ever: pause(2), or ppoll(2) of nothing where there is no
// pause. As the first process of its namespace it is only ended by SIGKILL.
var holderCode = map[string]struct {
	machine uint16 // of the ELF header
	code    []byte
}{
	"amd64": {62, []byte{
		0xb8, 34, 0, 0, 0, // mov eax, 34
		0x0f, 0x05, // syscall
		0xeb, 0xf7, // jmp to the begin
	}},
	"arm64": {183, []byte{
		0x00, 0x00, 0x80, 0xd2, // mov x0, #0
		0x01, 0x00, 0x80, 0xd2, // mov x1, #0
		0x02, 0x00, 0x80, 0xd2, // mov x2, #0
		0x03, 0x00, 0x80, 0xd2, // mov x3, #0
		0x28, 0x09, 0x80, 0xd2, // mov x8, #73
		0x01, 0x00, 0x00, 0xd4, // svc #0
		0xfa, 0xff, 0xff, 0x17, // b to the begin
	}},
}

// holderProgram is a static program that waits. Source: elf(5): a header, one segment that is loaded, the code.
func holderProgram(arch string) ([]byte, error) {
	p, ok := holderCode[arch]
	if !ok {
		return nil, fmt.Errorf("running with docker is not possible on %s", arch)
	}
	const base, header = 0x400000, 64 + 56
	size := uint64(header + len(p.code))
	b := append([]byte("\x7fELF"), 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) // 64 bits, little-endian, version 1
	for _, field := range []any{
		uint16(2), p.machine, uint32(1), uint64(base + header), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x10000),
	} {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, field); err != nil {
			return nil, err
		}
	}
	return append(b, p.code...), nil
}

// Elsewhere is the error of an engine whose containers do not run on this machine's kernel, where alone they can be seen:
// a daemon of another machine, or in a virtual one.
type Elsewhere struct{ Engine *Engine }

func (e *Elsewhere) Error() string {
	return fmt.Sprintf("running with %s: its containers run on another machine, or in a virtual one, where they cannot be watched", e.Engine)
}

// Hint says what runs them here.
func (e *Elsewhere) Hint() string {
	return "install podman (apt-get install podman) or runc here, and choose it with --engine"
}

// hold makes a network with docker, which lets a container join no other network than that of another container: one that
// only waits. What docker would give it as /etc/resolv.conf is taken away if the run is to be without.
// Source: docker run, "--network container:NAME"; moby, daemon/container_operations_unix.go, which shares the files, too.
func (c *cli) hold(ctx context.Context, r Run) (n *network, err error) {
	h := &holder{cli: c, idFile: filepath.Join(r.dir, "holder")}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making a network: %w", err), h.remove())
		}
	}()
	if err := h.start(r); err != nil {
		return nil, err
	}
	out, err := c.ask(ctx, c.dir, "inspect", "--type", "container", "--format", "{{.State.Pid}} {{.ResolvConfPath}}", h.id())
	if err != nil {
		return nil, err
	}
	pid, resolver, _ := strings.Cut(out, " ")
	if number, err := strconv.Atoi(pid); err != nil || number <= 0 || !runsHere(number, r.label) {
		return nil, &Elsewhere{c.Engine}
	}
	if r.NoResolver {
		if filepath.Base(resolver) != "resolv.conf" || !strings.Contains(resolver, h.id()) {
			return nil, fmt.Errorf("docker keeps the resolv.conf of a container in %q", resolver)
		}
		if err := os.Remove(resolver); err != nil {
			return nil, err
		}
	}
	if n, err = keepNetwork("/proc/"+pid+"/ns/net", r.dir); err != nil {
		return nil, err
	}
	n.name, n.end = "container:"+h.id(), h.remove
	return n, nil
}

// execTime is how long the process of a container may take to become its program.
const execTime = 3 * time.Second

// runsHere reports whether a process of this machine has a proof's name as its argument.
func runsHere(pid int, name string) bool {
	for until := time.Now().Add(execTime); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasSuffix(string(args), "\x00"+name+"\x00") {
			return true
		}
	}
	return false
}

// waiter is the image of the program that waits, which docker has from the first run of a proof to the last.
type waiter struct {
	mu    sync.Mutex
	image string // "" before
}

// get makes the image. It is not to be cancelled: what docker's client has asked for is made even if the client ends.
func (w *waiter) get(c *cli) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.image != "" {
		return w.image, nil
	}
	program, err := holderProgram(runtime.GOARCH)
	if err != nil {
		return "", err
	}
	var layer bytes.Buffer
	t := tar.NewWriter(&layer)
	if err := writeMember(t, "wait", 0o755, program); err != nil {
		return "", err
	}
	if err := t.Close(); err != nil {
		return "", err
	}
	ctx, cancel := tidying()
	defer cancel()
	image := imageName(filepath.Join(c.dir, "network.tar"))
	if _, err := c.feed(ctx, c.dir, &layer, "import", "-", image); err != nil {
		return "", err
	}
	w.image = image
	return image, nil
}

func (w *waiter) remove(c *cli) error {
	if w.image == "" {
		return nil
	}
	return c.unload(w.image)
}

// holder is a container that holds a network.
type holder struct {
	*cli
	idFile string
}

func (h *holder) start(r Run) error {
	image, err := h.waiter.get(h.cli)
	if err != nil {
		return err
	}
	_, err = h.tidy(h.dir, "run", "--detach", "--network", "none", "--cidfile", h.idFile, "--label", labelKey+"="+r.label, "--entrypoint", "/wait", image, r.label)
	return err
}

func (h *holder) id() string { return idIn(h.idFile) }

func (h *holder) remove() error { return h.removeByFile(h.idFile) }
