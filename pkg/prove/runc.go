package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// bare runs images with runc alone: nothing is added to the image but what the OCI run-time specification demands, so it
// is the strictest of the runners.
type bare struct {
	*Engine
	dir  string // of the proof
	made atomic.Int64
	kept sync.Map // *layers.Image by archive
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
	b.kept.Store(archive, img)
	return archive, nil
}

func (b *bare) unload(image string) error {
	b.kept.Delete(image)
	return nil
}

func (b *bare) network(_ context.Context, r Run) (*network, error) { return newNetwork(r.dir) }

func (b *bare) close() error { return nil }

// create unpacks the image into a bundle of its own.
func (b *bare) create(_ context.Context, r Run) (container, error) {
	kept, ok := b.kept.Load(r.Image)
	if !ok {
		return nil, fmt.Errorf("unpacking the image: %s is not loaded", r.Image)
	}
	img := kept.(*layers.Image)
	c := &bareContainer{Engine: b.Engine, dir: b.dir, name: fmt.Sprintf("%s-%d", filepath.Base(b.dir), b.made.Add(1))}
	c.bundle, c.group = filepath.Join(b.dir, c.name), controlGroup(c.name)
	c.pidFile = filepath.Join(c.bundle, "pid")
	if err := unpack(img.FS, filepath.Join(c.bundle, "rootfs")); err != nil {
		return nil, fmt.Errorf("unpacking the image: %w", err)
	}
	config, err := bundleConfig(img, r, "/"+c.name)
	if err != nil {
		c.refused = err.Error()
		return c, nil
	}
	own, err := volumes(img, c.bundle)
	if err != nil {
		return nil, err
	}
	config["mounts"] = append(config["mounts"].([]object), own...)
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
	attached
	dir          string // of the proof
	name, bundle string
	refused      string // before runc was asked
	group        controlGroup
}

func (c *bareContainer) start(ctx context.Context) error {
	if c.refused != "" {
		return nil
	}
	// --keep leaves the control group there, which knows whether the memory limit ended the program.
	cmd := c.command(ctx, c.dir, "--root", filepath.Join(c.bundle, "state"), "run", "--keep", "--bundle", c.bundle, "--pid-file", c.pidFile, c.name)
	return c.begin(cmd, c.pid)
}

func (c *bareContainer) pid() int {
	if c.refused != "" {
		return 0
	}
	return c.attached.pid()
}

func (c *bareContainer) signal(sig syscall.Signal) error {
	if c.refused != "" {
		return os.ErrProcessDone
	}
	return c.attached.signal(sig)
}

func (c *bareContainer) exec(ctx context.Context, argv []string) (int, string, error) {
	return execIn(c.command(ctx, c.dir, append([]string{"--root", filepath.Join(c.bundle, "state"), "exec", c.name}, argv...)...))
}

func (c *bareContainer) wait(ctx context.Context) (Exit, error) {
	if c.refused != "" {
		return Exit{Refused: c.refused}, nil
	}
	if err := c.await(ctx); err != nil {
		return Exit{}, err
	}
	e := Exit{Code: c.cmd.ProcessState.ExitCode(), After: c.after, OOMKilled: c.group.oomKills() > 0}
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
	c.abandon()
	return c.removeBundle(c.dir, c.bundle)
}

// removeBundle ends and forgets a container and removes its files.
func (e *Engine) removeBundle(dir, bundle string) error {
	name, state := filepath.Base(bundle), filepath.Join(bundle, "state")
	if _, err := os.Stat(filepath.Join(state, name)); err == nil {
		if _, err := e.tidy(dir, "--root", state, "delete", "--force", name); err != nil {
			return fmt.Errorf("removing a container: %w", err)
		}
	}
	if err := removeGroups(name); err != nil {
		return err
	}
	return removeTree(bundle)
}
