// Package hello is what the two programs of this module share: a page that needs, one by one, the things that an image
// may lack at run time, and says of each how it went.
package hello

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"
)

// Peer is the HTTPS server that the page greets. Its certificate must be signed by a root that the image has.
const Peer = "https://localhost:8443/hello"

// zone is the time zone the page tells the time in. It must be found in the image.
const zone = "Asia/Shanghai"

// Addr is the address to listen on: $PORT, or 8080.
func Addr() string {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	return net.JoinHostPort("", port)
}

// Handler serves the page: one line for each step, status 500 if a step went wrong.
func Handler() http.Handler {
	client := &http.Client{Timeout: 5 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		var p page
		p.step("user", whoami)
		p.step("local", func() (string, error) { return time.Now().Format("-0700"), nil })
		p.step("zone", zoned)
		p.step("temp", scratch)
		p.step("peer", func() (string, error) { return greet(client) })
		if p.wrong {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, p.text.String())
	})
	return mux
}

// page is what is served.
type page struct {
	text  strings.Builder
	wrong bool
}

// step adds a line on how a step went.
func (p *page) step(name string, do func() (string, error)) {
	said, err := do()
	if err != nil {
		p.wrong, said = true, "ERROR "+err.Error()
	}
	fmt.Fprintf(&p.text, "%s: %s\n", name, said)
}

// whoami needs /etc/passwd, or $USER and $HOME.
func whoami() (string, error) {
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// zoned needs the time zone database.
func zoned() (string, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return "", err
	}
	return time.Now().In(location).Format("-0700"), nil
}

// scratch needs a writable directory for temporary files.
func scratch() (string, error) {
	f, err := os.CreateTemp("", "hello-")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	return f.Name(), f.Close()
}

// greet needs root certificates.
func greet(client *http.Client) (string, error) {
	response, err := client.Get(Peer)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return strings.TrimSpace(string(body)), err
}
