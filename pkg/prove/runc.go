package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// bare runs images with runc alone: nothing is added to the image but what the OCI run-time specification demands, so it
// is the strictest of the runners.
type bare struct {
	*Engine
	dir  string // of the proof
	made atomic.Int64
	kept map[string]*layers.Image // by archive
}

// load reads the archive; the files are unpacked by create.
func (b *bare) load(ctx context.Context, archive string) (string, error) {
	img, err := layers.Read(ctx, layers.OCIArchive, archive, layers.Options{})
	if err != nil {
		return "", err
	}
	if img.FS == nil {
		return "", fmt.Errorf("loading the image: %s: %s", img.Unread[0].What, img.Unread[0].Because)
	}
	if b.kept == nil {
		b.kept = map[string]*layers.Image{}
	}
	b.kept[archive] = img
	return archive, nil
}

func (b *bare) unload(image string) error {
	delete(b.kept, image)
	return nil
}

// create unpacks the image into a bundle of its own.
func (b *bare) create(_ context.Context, r Run) (container, error) {
	img := b.kept[r.Image]
	c := &bareContainer{Engine: b.Engine, name: fmt.Sprintf("%s-%d", filepath.Base(b.dir), b.made.Add(1))}
	c.bundle = filepath.Join(b.dir, c.name)
	if err := unpack(img.FS, filepath.Join(c.bundle, "rootfs")); err != nil {
		return nil, fmt.Errorf("unpacking the image: %w", err)
	}
	config, err := bundleConfig(img, r, "/"+c.name)
	if err != nil {
		c.refused = err.Error()
		return c, nil
	}
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.bundle, "config.json"), data, 0o600); err != nil {
		return nil, fmt.Errorf("preparing a container: %w", err)
	}
	return c, nil
}

// bareContainer is one bundle.
type bareContainer struct {
	*Engine
	name, bundle string
	refused      string // before runc was asked
	cmd          *exec.Cmd
	said         said
	started      time.Time
	after        time.Duration
	done         chan struct{}
	meter        meter
}

func (c *bareContainer) start(ctx context.Context) error {
	c.done = make(chan struct{})
	c.started = time.Now()
	if c.refused != "" {
		close(c.done)
		return nil
	}
	c.cmd = exec.CommandContext(ctx, c.Path, "--root", filepath.Join(c.bundle, "state"), "run", "--bundle", c.bundle, "--pid-file", filepath.Join(c.bundle, "pid"), c.name)
	c.cmd.Stdout, c.cmd.Stderr = &c.said, &c.said
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = grace
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting a container: %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // the state says how it ended
		c.after = time.Since(c.started)
		close(c.done)
	}()
	c.meter.watch(c.pid, c.done)
	return nil
}

func (c *bareContainer) pid() int {
	select {
	case <-c.done:
		return 0
	default:
	}
	text, err := os.ReadFile(filepath.Join(c.bundle, "pid"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

func (c *bareContainer) signal(sig syscall.Signal) error {
	pid := c.pid()
	if pid == 0 {
		return os.ErrProcessDone
	}
	return syscall.Kill(pid, sig)
}

func (c *bareContainer) exec(ctx context.Context, argv []string) (int, string, error) {
	return execIn(exec.CommandContext(ctx, c.Path, append([]string{"--root", filepath.Join(c.bundle, "state"), "exec", c.name}, argv...)...))
}

func (c *bareContainer) wait(ctx context.Context) (Exit, error) {
	select {
	case <-c.done:
	case <-ctx.Done():
		return Exit{}, context.Cause(ctx)
	}
	if c.refused != "" {
		return Exit{Refused: c.refused}, nil
	}
	e := Exit{Code: c.cmd.ProcessState.ExitCode(), After: c.after}
	out := c.said.String()
	switch _, words, ok := strings.Cut(out, "runc run failed: "); {
	case ok && e.Code != 0:
		e.Code, e.Refused = 0, strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(words), `"`), `\"`, `"`)
	case strings.HasPrefix(out, "exec ") && e.Code != 0: // runc's own process speaks: it could not become the program
		e.Code, e.Refused = 0, strings.TrimSpace(out)
	case e.Code > 128 && e.Code <= 128+64:
		e.Code, e.Signal = 0, syscall.Signal(e.Code-128)
	}
	return e, nil
}

func (c *bareContainer) output() string { return c.said.String() }
func (c *bareContainer) peak() int64    { return c.meter.peak() }

func (c *bareContainer) remove() error {
	return removeBundle(context.Background(), c.Path, c.bundle, c.name)
}

// removeBundle ends and forgets a container and removes its files.
func removeBundle(ctx context.Context, runc, bundle, name string) error {
	state := filepath.Join(bundle, "state")
	if _, err := os.Stat(filepath.Join(state, name)); err == nil {
		if out, err := exec.CommandContext(ctx, runc, "--root", state, "delete", "--force", name).CombinedOutput(); err != nil {
			return fmt.Errorf("removing a container: %s", lastLine(string(out), err))
		}
	}
	return removeTree(bundle)
}

// removeRuncState removes the containers that a dead proof left in its directory.
func removeRuncState(ctx context.Context, runc, dir string) (gone []string, failed error) {
	bundles, err := filepath.Glob(filepath.Join(dir, filepath.Base(dir)+"-*"))
	if err != nil {
		return nil, err
	}
	for _, b := range bundles {
		if err := removeBundle(ctx, runc, b, filepath.Base(b)); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, "runc container "+filepath.Base(b))
	}
	return gone, failed
}
