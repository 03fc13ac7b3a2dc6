package prove

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// listening lists the TCP addresses at which something listens in a container's network, sorted by port.
// Source: proc(5), /proc/[pid]/net/tcp: state 0A is TCP_LISTEN; addresses are words of the host's byte order.
func listening(pid int) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for _, name := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if err != nil {
			if name == "tcp6" && os.IsNotExist(err) {
				continue // no IPv6 here
			}
			return nil, fmt.Errorf("reading the container's sockets: %w", err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 4 || fields[3] != "0A" {
				continue
			}
			if a, ok := socketAddress(fields[1]); ok && !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
		f.Close()
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	slices.SortStableFunc(all, func(a, b netip.AddrPort) int { return int(a.Port()) - int(b.Port()) })
	return all, nil
}

// socketAddress reads "0100007F:1F90" of a little-endian machine.
func socketAddress(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	p, err2 := hex.DecodeString(port)
	if !ok || err != nil || err2 != nil || len(p) != 2 || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(p[0])<<8|uint16(p[1])), ok
}
