package reality

import (
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

var unreadableCells = unreadable(
	cell{name: "a bundle for root alone", config: layers.Config{User: "65532"},
		root: all(as(0o600, 0, bundle("/etc/ssl/certs/ca-certificates.crt")), client)},
	cell{name: "a bundle for root alone, run by root", root: all(as(0o600, 0, bundle("/etc/ssl/certs/ca-certificates.crt")), client)},
	cell{name: "a bundle in a closed directory", config: layers.Config{User: "65532"},
		root: all(dir("/etc/ssl", 0o700, 0), bundle("/etc/ssl/certs/ca-certificates.crt"), client)},
	cell{name: "a bundle for root alone before a readable one", config: layers.Config{User: "65532"},
		root: all(as(0o600, 0, otherBundle("/etc/ssl/certs/ca-certificates.crt")), bundle("/etc/ssl/cert.pem"), client)},
	cell{name: "a readable bundle", config: layers.Config{User: "65532"}, root: all(bundle("/etc/ssl/cert.pem"), client)},
	cell{name: "its own bundle for its own user", config: layers.Config{User: "65532"},
		root: all(as(0o400, 65532, bundle("/etc/ssl/cert.pem")), client)},
)

func unreadable(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule, cells[i].network = "ca-roots-unreadable", true
	}
	return cells
}

// expiredBundle is a file with the certificate of an authority that signed a server's certificate and has ended.
func expiredBundle(path string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		w.needPeer(t)
		return text(path, w.peer.expired)(t, w)
	}
}

// expiredClient talks to the server of that authority.
var expiredClient = program("/app", "expired", static)

var expiredCells = expiredRoots(
	cell{name: "an expired root", root: all(expiredBundle("/etc/ssl/cert.pem"), expiredClient)},
	cell{name: "an expired root in the directory", root: all(expiredBundle("/etc/ssl/certs/company.pem"), expiredClient)},
	cell{name: "a valid root", root: all(bundle("/etc/ssl/cert.pem"), client)},
	cell{name: "an expired root beside a valid one", root: all(expiredBundle("/etc/ssl/certs/company.pem"), bundle("/etc/ssl/cert.pem"), client)},
)

func expiredRoots(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule, cells[i].network = "ca-roots-expired", true
	}
	return cells
}
