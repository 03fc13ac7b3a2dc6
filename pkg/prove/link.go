package prove

import (
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
)

// The addresses of a container's network: the program's, and that of the peer which stands for the rest of the world.
const (
	programAddress = "10.77.0.2"
	worldAddress   = "10.77.0.1"
	networkPrefix  = "/24"
)

// link joins the network of a program and that of its peer by a pair of virtual interfaces; the program's is called as
// engines call it, and has a private address as theirs has: there are programs that look for one. It has no other route.
// Source: veth(4).
func link(program, world *network) error {
	ns, err := os.Open(program.path)
	if err != nil {
		return fmt.Errorf("linking a network: %w", err)
	}
	defer ns.Close()
	err = world.enter(func() error {
		pair := netlink.NewVeth(netlink.NewLinkAttrs())
		pair.Name, pair.PeerName, pair.PeerNamespace = "world", "eth0", netlink.NsFd(ns.Fd())
		if err := netlink.LinkAdd(pair); err != nil {
			return err
		}
		return raise("world", worldAddress)
	})
	if err == nil {
		err = program.enter(func() error { return raise("eth0", programAddress) })
	}
	if err != nil {
		return fmt.Errorf("linking a network: %w", err)
	}
	return nil
}

// raise gives an interface of the thread's network its address, and puts it up.
func raise(name, address string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	a, err := netlink.ParseAddr(address + networkPrefix)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(l, a); err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// up puts an interface of the thread's network up.
func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}
