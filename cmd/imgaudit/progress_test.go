package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// screen is a terminal that knows the two escapes that bars use.
type screen struct{ lines []string }

func (s *screen) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		switch {
		case bytes.HasPrefix(p, []byte("\x1b[F\x1b[2K")):
			s.lines = s.lines[:len(s.lines)-1]
			p = p[len("\x1b[F\x1b[2K"):]
		default:
			line, rest, ok := bytes.Cut(p, []byte("\n"))
			if !ok {
				return 0, errors.New("half a line")
			}
			s.lines = append(s.lines, string(line))
			p = rest
		}
	}
	return n, nil
}

// TestBars plays the reading of two layers to a terminal.
func TestBars(t *testing.T) {
	now := time.Unix(0, 0)
	var s screen
	p := &progress{w: &s, bars: true, width: func() int { return 71 }, now: func() time.Time { return now }}
	news := func(index int, read int64, done bool) layers.Progress {
		l := layers.Layer{Index: index, Digest: "sha256:0123456789abcdef0123", Size: 10e6}
		return layers.Progress{Phase: layers.PhaseLayer, Layer: l, Total: 2, Read: read, Done: done}
	}
	for _, step := range []struct {
		news layers.Progress
		want string
	}{
		{news(1, 0, false), "layer 2/2 sha256:0123456789ab [                    ] 0 B/10.0 MB"},
		{news(0, 2.5e6, false), "layer 2/2 sha256:0123456789ab [                    ] 0 B/10.0 MB 0.0 M\nlayer 1/2 sha256:0123456789ab [=====               ] 2.5 MB/10.0 MB"},
		{news(1, 10e6, true), "layer 1/2 sha256:0123456789ab [=====               ] 2.5 MB/10.0 MB 5."},
		{layers.Progress{Phase: layers.PhaseMerge}, "layer 1/2 sha256:0123456789ab [=====               ] 2.5 MB/10.0 MB 5."},
		{news(0, 10e6, false), "layer 1/2 sha256:0123456789ab [====================] 10.0 MB/10.0 MB 6"},
		{news(0, 10e6, true), ""},
		{news(0, 1e6, false), "layer 1/2 sha256:0123456789ab [==                  ] 1.0 MB/10.0 MB"},
	} {
		p.update(step.news)
		if got := strings.Join(s.lines, "\n"); got != step.want {
			t.Errorf("after %+v:\n%s\nwant\n%s", step.news, got, step.want)
		}
		now = now.Add(time.Second / 2)
	}
	p.end()
	if len(s.lines) != 0 {
		t.Errorf("left on the terminal: %q", s.lines)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12, "12B": 12, "3kB": 3000, "3K": 3072, "500MB": 5e8, "200 MiB": 200 << 20, "1G": 1 << 30, "2GiB": 2 << 30} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1.5GB", "99999999999GB", "1TB", "x"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%s: %d", text, got)
		}
	}
	for text, want := range map[string]time.Duration{"12h": 12 * time.Hour, "30d": 720 * time.Hour, "1m30s": 90 * time.Second} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1h", "0s", "1.5d", "99999999d"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
