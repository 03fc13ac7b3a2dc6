package dockerfile

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// expose is dispatchExpose of dockerfile2llb/convert_expose.go. A port that depends on the base image is not judged.
func (d *dispatch) expose(cmd *instructions.ExposeCommand) error {
	type port struct {
		text string
		at   Span
	}
	var ports []port
	places := d.portPlaces()
	for _, word := range cmd.Ports {
		if len(word)*d.longest > maxExpansion {
			continue
		}
		lex := d.r.lex
		words, err := lex.ProcessWords(readable(word), environment{scope: d.scope})
		if result, _ := lex.ProcessWordWithMatches(readable(word), environment{scope: d.scope}); d.open && len(result.Unmatched) > 0 {
			continue
		}
		if err != nil {
			return err
		}
		for _, w := range words {
			ports = append(ports, port{w, places(word)})
		}
	}
	for _, p := range ports {
		d.about(d.in, p.at)
		if err := d.port(p.text); err != nil {
			return err
		}
	}
	return nil
}

// portPlaces finds where a port stands: BuildKit has sorted them.
func (d *dispatch) portPlaces() func(port string) Span {
	at := map[string]Span{}
	for k, t := range d.in.tokens {
		if !d.trigger {
			at[d.in.joined.s[t.start:t.end]] = d.in.Words[k].Span
		}
	}
	return func(port string) Span {
		if span, ok := at[port]; ok {
			return span
		}
		return d.place(0)
	}
}

// port checks one [ip:][host:]port[-port][/protocol].
func (d *dispatch) port(raw string) error {
	parts := strings.Split(raw, ":")
	n := len(parts)
	ip, host := "", ""
	if n > 1 {
		ip, host = strings.Join(parts[:n-2], ":"), parts[n-2]
	}
	ports, protocol, _ := strings.Cut(parts[n-1], "/")
	switch strings.ToLower(protocol) {
	case "", "tcp", "udp", "sctp":
	default:
		return fmt.Errorf("invalid port: %q: invalid proto: %s", raw, protocol)
	}
	if ports == "" {
		return fmt.Errorf("invalid port: %q: no port specified", raw)
	}
	if protocol != strings.ToLower(protocol) {
		d.lint.Run(&linter.RuleExposeProtoCasing, d.location, linter.RuleExposeProtoCasing.Format(raw))
	}
	if ip != "" || host != "" {
		d.lint.Run(&linter.RuleExposeInvalidFormat, d.location, linter.RuleExposeInvalidFormat.Format(raw))
	}
	return refusePort(ip, host, ports)
}

// refusePort gives BuildKit's errors about addresses and ranges.
func refusePort(ip, host, ports string) error {
	if ip != "" && ip[0] == '[' {
		bare, _, err := net.SplitHostPort(ip + ":")
		if err != nil {
			return fmt.Errorf("invalid IP address %v: %w", ip, err)
		}
		ip = bare
	}
	if ip != "" && net.ParseIP(ip) == nil {
		return errors.New("invalid IP address: " + ip)
	}
	start, end, err := portRange(ports)
	if err != nil {
		return errors.New("invalid containerPort: " + ports)
	}
	if host == "" {
		return nil
	}
	hostStart, hostEnd, err := portRange(host)
	if err != nil {
		return errors.New("invalid hostPort: " + host)
	}
	if end-start != hostEnd-hostStart && end != start {
		return fmt.Errorf("invalid ranges specified for container and host Ports: %s and %s", ports, host)
	}
	return nil
}

func portRange(s string) (start, end int, err error) {
	first, last, ok := strings.Cut(s, "-")
	if start, err = portNumber(first); err != nil || !ok || first == last {
		return start, start, err
	}
	if end, err = portNumber(last); err == nil && end < start {
		err = errors.New("invalid port range: " + s)
	}
	return start, end, err
}

func portNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && (n < 0 || n > 65535) {
		err = errors.New("value out of range")
	}
	return n, err
}
