package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// progress shows on standard error what is going on: bars on a terminal, which vanish when they are done, or a line for
// each layer.
type progress struct {
	w     io.Writer
	bars  bool
	width func() int
	now   func() time.Time

	mu     sync.Mutex
	active []bar // layers being read, in the order in which they began
	drawn  int   // lines on the terminal
}

// bar is a layer being read.
type bar struct {
	layers.Progress
	since time.Time
}

// progressMode reads --progress. On a terminal auto means bars; elsewhere nothing, or lines with -v.
func (a *app) progressMode(mode string, quiet, verbose bool) (string, error) {
	if !slices.Contains([]string{"auto", "plain", "tty", "none"}, mode) {
		return "", fmt.Errorf("reading --progress: %q is none of auto, plain, tty, none", mode)
	}
	if quiet {
		return "none", nil
	}
	if mode != "auto" {
		return mode, nil
	}
	f, ok := a.stderr.(*os.File)
	name, _ := a.lookupEnv("TERM")
	switch {
	case ok && name != "dumb" && term.IsTerminal(int(f.Fd())):
		return "tty", nil
	case verbose:
		return "plain", nil
	}
	return "none", nil
}

// newProgress makes the progress of a mode, nil for none.
func (a *app) newProgress(mode string) *progress {
	if mode == "none" {
		return nil
	}
	p := &progress{w: a.stderr, bars: mode == "tty", now: time.Now, width: func() int { return 80 }}
	if f, ok := a.stderr.(*os.File); ok {
		p.width = func() int {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
				return w
			}
			return 80
		}
	}
	return p
}

// update takes news of a reading.
func (p *progress) update(n layers.Progress) {
	if p == nil || n.Phase != layers.PhaseLayer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.bars && n.Done:
		fmt.Fprintln(p.w, doneLine(n))
	case p.bars:
		p.follow(n)
		p.draw()
	}
}

// follow keeps the list of layers being read.
func (p *progress) follow(n layers.Progress) {
	i := slices.IndexFunc(p.active, func(b bar) bool { return b.Layer.Index == n.Layer.Index })
	switch {
	case i >= 0 && n.Done:
		p.active = slices.Delete(p.active, i, i+1)
	case i >= 0:
		p.active[i].Progress = n
	case !n.Done:
		p.active = append(p.active, bar{n, p.now()})
	}
}

// draw writes the bars over those on the terminal.
func (p *progress) draw() {
	var out strings.Builder
	p.erase(&out)
	for _, b := range p.active {
		line := barLine(b, p.now())
		if width := p.width() - 1; len(line) > width {
			line = line[:max(0, width)]
		}
		out.WriteString(line + "\n")
	}
	p.drawn = len(p.active)
	_, _ = io.WriteString(p.w, out.String())
}

// erase takes the bars off the terminal. Source: ECMA-48, CPL and EL.
func (p *progress) erase(out *strings.Builder) {
	for range p.drawn {
		out.WriteString("\x1b[F\x1b[2K")
	}
	p.drawn = 0
}

// say shows what is being done: one line, which the next one replaces on a terminal. A nil progress says nothing.
func (p *progress) say(line string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var out strings.Builder
	if p.bars {
		p.erase(&out)
		p.drawn = 1
		if width := p.width() - 1; len(line) > width {
			line = strings.ToValidUTF8(line[:max(0, width)], "")
		}
	}
	out.WriteString(strings.Map(visible, line) + "\n")
	_, _ = io.WriteString(p.w, out.String())
}

// visible replaces what would move the cursor: engines and programs are foreign.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// end takes what is left off the terminal, when an audit was broken off.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var out strings.Builder
	p.erase(&out)
	p.active = nil
	_, _ = io.WriteString(p.w, out.String())
}

// doneLine is the line of a layer that was read: "layer 2/5 sha256:01a6f808846b 29.4 MB 98.0 MB/s".
func doneLine(n layers.Progress) string {
	line := layerName(n)
	switch {
	case n.Err != nil:
		return line + " " + strings.Join(strings.Fields(n.Err.Error()), " ")
	case n.Cached:
		return line + " " + size(n.Layer.Size) + " cached"
	}
	return line + " " + size(n.Layer.Size) + " " + speed(n.Read, n.Took)
}

// layerName is "layer 2/5 sha256:01a6f808846b", counted from 1.
func layerName(n layers.Progress) string {
	const short = len("sha256:") + 12
	digest := n.Layer.Digest
	if digest == "" {
		digest = n.Layer.DiffID // of an archive that does not name the stored layer
	}
	return fmt.Sprintf("layer %d/%d %s", n.Layer.Index+1, n.Total, digest[:min(short, len(digest))])
}

// barLine is the line of a layer being read.
func barLine(b bar, now time.Time) string {
	const cells = 20
	if b.Layer.Size <= 0 {
		return layerName(b.Progress) + " " + size(b.Read)
	}
	full := int(min(cells, b.Read*cells/b.Layer.Size))
	line := fmt.Sprintf("%s [%s%s] %s/%s", layerName(b.Progress), strings.Repeat("=", full), strings.Repeat(" ", cells-full), size(b.Read), size(b.Layer.Size))
	if took := now.Sub(b.since); took > 100*time.Millisecond {
		line += " " + speed(b.Read, took)
	}
	return line
}

func speed(n int64, took time.Duration) string {
	return fmt.Sprintf("%.1f MB/s", float64(n)/1e6/max(took.Seconds(), 1e-6))
}
