package prove

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// answerTime is how long a program may take to answer.
const answerTime = 2 * time.Second

// loopback is an address as it is reached from inside: 127.0.0.1 for one that listens everywhere.
func loopback(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	return a.String()
}

// path is that of a request.
func (n Needs) path() string {
	if n.Path == "" {
		return "/"
	}
	return n.Path
}

// ask sends one HTTP request and returns the status of the answer, 0 if what came is none.
func (s *scene) ask(ctx context.Context, to netip.AddrPort) int {
	client := http.Client{Timeout: answerTime, Transport: &http.Transport{DialContext: s.net.dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(to)+s.needs.path(), nil)
	if err != nil {
		return 0
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// checkTime bounds a health check. Source: docker's default --timeout.
const checkTime = 30 * time.Second

// check runs the declared health check once, as the engine would.
func (s *scene) check(ctx context.Context) *audit.Checked {
	if s.health == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	code, words, err := s.container.exec(ctx, s.health)
	if err != nil {
		return nil // it has just ended
	}
	return &audit.Checked{Command: s.health, ExitCode: code, Words: lastLine(words, errSilent)}
}

// end sends the stop signal and sees how the program takes it. With a request under way the head of an HTTP request is
// sent before the signal and its body of one byte after it: the handler runs, net/http sends no answer before it has read
// the body (net/http/server.go, chunkWriter.writeHeader), and Server.Shutdown waits for it.
func (s *scene) end(address netip.AddrPort, ready bool) *audit.Stopped {
	stopped := &audit.Stopped{Signal: signalName(s.stop)}
	var conn net.Conn
	if s.request && ready && s.seen.Status != 0 {
		var err error
		if conn, err = s.net.dial(context.Background(), "tcp", loopback(address)); err == nil {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(or(s.needs.Grace, graceTime)))
			_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\n\r\n", s.needs.path(), address)
			s.sleep(100 * time.Millisecond)
		}
	}
	sent := time.Now()
	_ = s.container.signal(s.stop) // one that has just ended is seen below
	if conn != nil {
		s.sleep(100 * time.Millisecond)
		stopped.Request = finish(conn)
	}
	select {
	case <-s.ended:
	case <-time.After(or(s.needs.Grace, graceTime) - time.Since(sent)):
		stopped.Lost = true
	}
	stopped.Seconds = time.Since(sent).Seconds()
	return stopped
}

// finish sends the rest of a request and waits for the answer.
func finish(conn net.Conn) string {
	if _, err := conn.Write([]byte("x")); err != nil {
		return "lost"
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "lost"
	}
	response.Body.Close()
	return "answered"
}

// signalName is SIGTERM for 15.
func signalName(s syscall.Signal) string {
	for name, number := range signals {
		if number == s {
			return name
		}
	}
	return fmt.Sprintf("signal %d", int(s))
}

// signals are those that STOPSIGNAL and the steps name. Source: signal(7).
var signals = map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT, "SIGHUP": syscall.SIGHUP,
	"SIGKILL": syscall.SIGKILL, "SIGUSR1": syscall.SIGUSR1, "SIGUSR2": syscall.SIGUSR2, "SIGWINCH": syscall.SIGWINCH}
