package prove

import (
	"net"
	"os"
	"slices"
	"testing"
)

func TestListening(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all, err := listening(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	want := l.Addr().(*net.TCPAddr).AddrPort()
	if !slices.Contains(all, want) {
		t.Errorf("%v is not among %v", want, all)
	}
	l.Close()
	if all, err = listening(os.Getpid()); err != nil || slices.Contains(all, want) {
		t.Errorf("%v is still among %v (%v)", want, all, err)
	}
}

func TestSocketAddress(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"0100007F:1F90", "127.0.0.1:8080"},
		{"00000000:0050", "0.0.0.0:80"},
		{"00000000000000000000000000000000:1F90", "[::]:8080"},
		{"00000000000000000000000001000000:01BB", "[::1]:443"},
		{"0000000000000000FFFF00000100007F:01BB", "127.0.0.1:443"},
		{"0100007F", ""},
		{"01:1F90", ""},
		{"xx00007F:1F90", ""},
	} {
		got, ok := socketAddress(c.text)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s is %v, %v; want %q", c.text, got, ok, c.want)
		}
	}
}
