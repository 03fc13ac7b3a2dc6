package prove

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// trial is one run of one image: started, watched, asked, stopped.
type trial struct {
	runner  runner
	run     Run
	needs   Needs
	ca      *authority             // of the world's certificates
	stop    syscall.Signal         // 0 leaves it to end by itself, or kills it when it was watched
	health  []string               // the declared check, nil for none
	request bool                   // an HTTP request is under way when it is stopped
	knows   func(line string) bool // reports whether a rule knows a line, nil for none
	image   *layers.Image          // of which it is seen what the program writes beside, nil for not
}

// Needs is what a program needs to be started and asked: the `prove:` section of .imgaudit.yaml.
type Needs struct {
	Args     []string      // replace the image's CMD, nil keeps it
	Env      []string      // "K=V"
	Path     string        // of an HTTP request that it answers when it is ready, "" for "/"
	TLSPorts []string      // further ports at which the world speaks TLS to it
	Ready    time.Duration // how long it may take until it listens, 0 for readyTime
	Watch    time.Duration // how long it is watched after that, 0 for watchTime
	Grace    time.Duration // how long it may take to end after a signal, 0 for graceTime
}

// The times that a program is given when nothing says otherwise.
const (
	readyTime = 3 * time.Second
	watchTime = 300 * time.Millisecond
	graceTime = 10 * time.Second // docker stop's
)

// time is how long a run that goes as it should may take.
func (n Needs) time() time.Duration {
	return or(n.Ready, readyTime) + or(n.Watch, watchTime) + or(n.Grace, graceTime)
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// do runs the trial to its end. An error is ours or the engine's, never the program's. Nothing is left behind.
func (t *trial) do(ctx context.Context) (o audit.Observation, err error) {
	net, err := t.runner.network(ctx, t.run)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, net.close()) }()
	w, err := world(net, filepath.Join(t.run.dir, "world"), t.ca, t.needs.TLSPorts)
	if err != nil {
		return o, fmt.Errorf("serving the container's network: %w", err)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	t.run.network = net
	if err := t.settings(); err != nil {
		return o, err
	}
	c, err := t.runner.create(ctx, t.run)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	if err := c.start(ctx); err != nil {
		return o, err
	}
	s := &scene{trial: t, container: c, net: net, world: w, began: time.Now(), ended: make(chan struct{})}
	go s.await(ctx)
	if err := s.play(ctx); err != nil {
		return o, err
	}
	if o, err = s.observation(); err != nil || t.image == nil {
		return o, err
	}
	writes, err := c.written(ctx)
	o.Writes = ownWrites(writes, t.image)
	return o, err
}

// settings binds the files that every engine gives a container: without them a program finds neither its own name nor a
// resolver. Source: docs.docker.com, "Networking overview"; Kubernetes gives the same.
func (t *trial) settings() error {
	files := map[string]string{"hosts": "127.0.0.1 localhost\n::1 localhost\n" + programAddress + " imgaudit\n", "hostname": "imgaudit\n"}
	if !t.run.NoResolver {
		files["resolv.conf"] = "nameserver " + worldAddress + "\n"
	}
	for _, name := range sorted(files) {
		file := filepath.Join(t.run.dir, name)
		if err := os.WriteFile(file, []byte(files[name]), 0o644); err != nil {
			return fmt.Errorf("preparing a container: %w", err)
		}
		t.run.Binds = append(t.run.Binds, Bind{Source: file, Target: "/etc/" + name})
	}
	return nil
}

// scene is a trial under way.
type scene struct {
	*trial
	container container
	net       *network
	world     *peer
	began     time.Time
	ended     chan struct{}
	exit      Exit
	err       error
	seen      audit.Observation
	told      bool // to end, by us
	asked     []netip.AddrPort
}

// await waits for the container's end.
func (s *scene) await(ctx context.Context) {
	s.exit, s.err = s.container.wait(ctx)
	close(s.ended)
}

// killTime is how long a program may outlive SIGKILL, as one does that waits for a disk.
const killTime = 30 * time.Second

// play watches the program until it is ready, asks it, stops it. The error is that it could not be ended.
func (s *scene) play(ctx context.Context) error {
	address, ready := s.untilReady()
	if ready {
		address = s.askAll(ctx, address)
	}
	s.sleep(or(s.needs.Watch, watchTime))
	if ready && s.seen.Status == 0 {
		address = s.askAll(ctx, address) // some listen for their likes before they listen for users
	}
	select {
	case <-s.ended:
		return nil
	default:
	}
	s.seen.Health = s.check(ctx)
	s.told = true
	if s.stop != 0 {
		s.seen.Stop = s.end(address, ready)
	}
	_ = s.container.signal(syscall.SIGKILL) // one that has ended cannot be killed
	select {
	case <-s.ended:
		return nil
	case <-time.After(killTime):
		return fmt.Errorf("ending the container: SIGKILL did not end it within %s", killTime)
	}
}

// askAll asks at every address at which the program listens, and that was not asked before, until one answers as HTTP does,
// and returns that address.
func (s *scene) askAll(ctx context.Context, first netip.AddrPort) netip.AddrPort {
	for _, a := range s.listens() {
		if slices.Contains(s.asked, a) {
			continue
		}
		s.asked = append(s.asked, a)
		if s.seen.Status = s.ask(ctx, a); s.seen.Status != 0 {
			return a
		}
	}
	return first
}

// untilReady waits until the program listens somewhere, ends, or has had its time.
func (s *scene) untilReady() (netip.AddrPort, bool) {
	limit := time.After(or(s.needs.Ready, readyTime))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if all := s.listens(); len(all) > 0 {
			s.seen.Ready = time.Since(s.began).Seconds()
			return all[0], true
		}
		select {
		case <-s.ended:
			return netip.AddrPort{}, false
		case <-limit:
			return netip.AddrPort{}, false
		case <-tick.C:
		}
	}
}

// listens lists the addresses at which the program listens, and notes them.
func (s *scene) listens() []netip.AddrPort {
	pid := s.container.pid()
	if pid == 0 {
		return nil
	}
	all, err := listening(pid)
	if err != nil || len(all) == 0 {
		return nil // it has just ended, or does not listen
	}
	s.seen.Listens = nil
	for _, a := range all {
		s.seen.Listens = append(s.seen.Listens, a.String())
	}
	return all
}

// sleep waits, but not longer than the program lives.
func (s *scene) sleep(d time.Duration) {
	select {
	case <-s.ended:
	case <-time.After(d):
	}
}

// observation gathers what was seen.
func (s *scene) observation() (audit.Observation, error) {
	o := s.seen
	if s.err != nil {
		return o, s.err
	}
	o.Refused = strings.TrimPrefix(s.exit.Refused, "unable to start container process: ")
	o.Ended, o.OOMKilled = !s.told, s.exit.OOMKilled
	o.Seconds = s.exit.After.Seconds()
	o.Memory = s.container.peak()
	o.Lookups, o.Handshakes = s.world.seen()
	output := s.container.output()
	if o.Refused == "" { // what the engine says of that is not the program's
		o.FirstLine = telling(output, o.Ended && (s.exit.Code != 0 || s.exit.Signal != 0), s.knows)
	}
	o.GOMAXPROCS = schedTrace(output)
	switch {
	case o.Refused != "":
	case s.exit.Signal != 0:
		o.Signal = s.exit.Signal.String()
	default:
		code := s.exit.Code
		o.ExitCode = &code
	}
	return o, nil
}
