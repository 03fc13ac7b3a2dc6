package prove

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// network is a network of its own for the containers of one run, with a loopback and nothing else. It is there before the
// container, so that what listens in it is never late.
type network struct {
	path string       // of a file that is the namespace
	name string       // by which the engine joins it
	end  func() error // removes what the engine has of it, nil for nothing
}

// newNetwork makes a network namespace that stays as long as the file is mounted. It needs root.
// Source: network_namespaces(7); ip-netns(8) keeps namespaces in the same way.
func newNetwork(dir string) (*network, error) {
	var n *network
	err := onOwnThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		if err := up("lo"); err != nil {
			return fmt.Errorf("raising its loopback: %w", err)
		}
		openPorts()
		n, err = keepNetwork(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), dir)
		return err
	})
	if err != nil {
		return nil, wordsOf(err)
	}
	return n, nil
}

// openPorts lets every user listen at ports below 1024, as docker and containerd do for the networks that they make. Where
// /proc/sys cannot be written the ports stay root's, as with podman. Sources: moby/moby, daemon/oci_linux.go; containerd's enable_unprivileged_ports.
func openPorts() { _ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0\n"), 0) }

// keepNetwork mounts a network namespace at a file in a directory.
func keepNetwork(namespace, dir string) (*network, error) {
	n := &network{path: filepath.Join(dir, "network")}
	if err := os.WriteFile(n.path, nil, 0o600); err != nil {
		return nil, err
	}
	if err := unix.Mount(namespace, n.path, "", unix.MS_BIND, ""); err != nil {
		os.Remove(n.path)
		return nil, fmt.Errorf("mounting it: %w", err)
	}
	return n, nil
}

// wordsOf says what the making of a network failed of.
func wordsOf(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return &NoNetwork{err}
	}
	return fmt.Errorf("making a network: %w", err)
}

// NoNetwork is the error of one who may not make a network: what a program listens at, asks and answers is seen from
// inside its network only.
type NoNetwork struct{ err error }

func (e *NoNetwork) Error() string {
	return fmt.Sprintf("making a network for the container, which needs root: %v", e.err)
}

func (e *NoNetwork) Unwrap() error { return e.err }

// Hint says how to get the right.
func (e *NoNetwork) Hint() string { return "run it as root (sudo imgaudit prove ..)" }

// close lets the namespace go, which ends with its last process.
func (n *network) close() (err error) {
	if err = unix.Unmount(n.path, unix.MNT_DETACH); err == nil {
		err = os.Remove(n.path)
	}
	if n.end != nil {
		err = errors.Join(err, n.end())
	}
	if err != nil {
		return fmt.Errorf("removing a network: %w", err)
	}
	return nil
}

// onOwnThread calls f on a thread that ends with it, whatever f made of the thread. It is never the main thread, which
// stays for as long as the process, and by which others see the process in /proc.
func onOwnThread(f func() error) error {
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() != unix.Getpid() {
			failed <- f()
			return
		}
		failed <- onOwnThread(f) // as long as this goroutine holds the main thread, no other gets it
		runtime.UnlockOSThread()
	}()
	return <-failed
}

// enter calls f on a thread that is in the network. Sockets that f makes, and nothing that it starts in other goroutines,
// belong to the network. Source: setns(2).
func (n *network) enter(f func() error) error {
	return onOwnThread(func() error {
		ns, err := os.Open(n.path)
		if err != nil {
			return fmt.Errorf("entering the container's network: %w", err)
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering the container's network: %w", err)
		}
		return f()
	})
}

// dial connects to an address of the network's loopback, "127.0.0.1:8080".
func (n *network) dial(ctx context.Context, _, address string) (conn net.Conn, err error) {
	err = n.enter(func() (err error) {
		// One numeric address and no fallback: the socket is made by this goroutine.
		conn, err = (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, "tcp", address)
		return err
	})
	return conn, err
}

// listen listens at an address of the network's loopback.
func (n *network) listen(address string) (l net.Listener, err error) {
	err = n.enter(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}

// listenPacket is listen for UDP.
func (n *network) listenPacket(address string) (c net.PacketConn, err error) {
	err = n.enter(func() (err error) {
		c, err = net.ListenPacket("udp", address)
		return err
	})
	return c, err
}
