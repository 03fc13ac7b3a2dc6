package prove

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
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

// ask sends one HTTP request and returns the status of the answer, 0 if what came is none. It is written by hand, for
// net/http's client prints what it thinks of a server that speaks another protocol.
func (s *scene) ask(ctx context.Context, to netip.AddrPort) int {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := s.net.dial(ctx, "tcp", loopback(to))
	if err != nil {
		return 0
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", s.needs.path(), loopback(to)) // one that does not read may answer
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// The bounds of a health check. Source: docs.docker.com, Dockerfile reference, HEALTHCHECK: --timeout is 30 s and --retries
// 3 by default. The pause, which is --interval's 30 s, is shortened: the program is ready when the first check begins.
const (
	checkTime  = 30 * time.Second
	checkTries = 3
	checkPause = 500 * time.Millisecond
)

// check runs the declared health check as the engine would: unhealthy is what fails every time. One that cannot be run at
// all is not tried again.
func (s *scene) check(ctx context.Context) (seen *audit.Checked) {
	if s.health == nil {
		return nil
	}
	for try := range checkTries {
		if try > 0 {
			s.sleep(checkPause)
		}
		once, cancel := context.WithTimeout(ctx, checkTime)
		code, words, err := s.container.exec(once, s.health)
		cancel()
		if err != nil {
			return seen // it has just ended
		}
		seen = &audit.Checked{Command: s.health, ExitCode: code, Words: plain(lastLine(words, errSilent))}
		if code == 0 || code >= cannotRun {
			break
		}
	}
	return seen
}

// cannotRun is the least exit code of an engine that could not execute a program: 126 and 127, or 255 of runc; 125 is its
// own. Source: docs.docker.com, docker run, "Exit status".
const cannotRun = 125

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
	if err := s.container.signal(s.stop); errors.Is(err, os.ErrProcessDone) {
		s.told = false // it has ended by itself, before it was told to
		return nil
	}
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
