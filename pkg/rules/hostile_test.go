package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// each repeats a line that may name its number and the one before.
func each(n int, line func(k int) string) string {
	var b strings.Builder
	for k := range n {
		b.WriteString(line(k))
	}
	return b.String()
}

const golang = "FROM golang:1.25 AS a\n"

// hostileShapes are texts made to hurt, of a size n; large is where they are beyond what is read of one file.
var hostileShapes = []struct {
	name         string
	small, large int
	text         func(n int) string
}{
	{"instructions", 900, 100000, func(n int) string { return golang + strings.Repeat("RUN a\n", n) }},
	{"builds", 900, 30000, func(n int) string { return golang + strings.Repeat("RUN go build -o /a .\n", n) }},
	{"directories", 900, 100000, func(n int) string { return golang + strings.Repeat("WORKDIR a\n", n) }},
	{"stages", 120, 20000, func(n int) string {
		return "FROM golang:1.25 AS s0\n" + each(n, func(k int) string { return fmt.Sprintf("FROM s%d AS s%d\nENV A%d=$B\n", k, k+1, k) })
	}},
	{"long lines", 4, 15, func(n int) string {
		return golang + strings.Repeat("RUN "+strings.Repeat("a ", 4000)+"\n", n) + strings.Repeat("RUN "+strings.Repeat("a ", 32000)+"\n", n/10)
	}},
	{"nested expansion", 450, 20000, func(n int) string {
		return golang + "ENV A0=x\n" + each(n, func(k int) string { return fmt.Sprintf("ENV A%d=${A%d:-${B:-c}}\nARG B%d=$A%d\n", k+1, k, k, k) })
	}},
	{"continuations with comments", 4500, 100000, func(n int) string { return golang + "RUN a \\\n" + strings.Repeat("# c\n b \\\n", n) + " c\n" }},
	{"empty continuations", 450, 60000, func(n int) string { return golang + strings.Repeat("COPY a \\\n\n  b\n", n) }},
	{"commands", 4500, 16000, func(n int) string { return golang + "RUN a" + strings.Repeat(" ; a", n) + "\n" }},
	{"heredocs", 900, 20000, func(n int) string {
		return golang + each(n, func(k int) string { return fmt.Sprintf("COPY <<E%d /a\nx\nE%d\n", k, k) })
	}},
	{"sources", 4500, 50000, func(n int) string {
		return golang + each(n/500, func(int) string {
			return "COPY " + each(500, func(k int) string { return fmt.Sprintf("s%d ", k) }) + "/d/\n"
		})
	}},
	{"labels", 900, 30000, func(n int) string {
		return golang + each(n, func(k int) string { return fmt.Sprintf("LABEL k%d v\n", k) })
	}},
	{"triggers", 450, 30000, func(n int) string { return golang + strings.Repeat("ONBUILD RUN a\n", n) + "FROM a\n" }},
	{"undefined variables", 900, 40000, func(n int) string {
		return golang + each(n, func(k int) string { return fmt.Sprintf("USER $X%d\n", k) })
	}},
	{"substitutions", 450, 14000, func(n int) string {
		return golang + "RUN " + strings.Repeat("$( ( ", n/2) + "${a}" + strings.Repeat(" ) )", n/2) + "\n"
	}},
	{"comments", 50000, 0, func(n int) string { return strings.Repeat("# c\n", n) + golang }},
	{"waivers", 4000, 0, func(n int) string { return strings.Repeat("# imgaudit:ignore=x\n", n) + golang + "RUN a\n" }},
}

// Twice the text may take twice the work and some more, not four times; a text beyond the bounds is not looked at.
func TestHostileText(t *testing.T) {
	if testing.Short() {
		t.Skip("measures CPU time, which the race detector spends too")
	}
	all := rules.All()
	for _, h := range hostileShapes {
		t.Run(h.name, func(t *testing.T) {
			cost := func(n int) time.Duration {
				text := []byte(h.text(n))
				best := time.Duration(0)
				for range 2 {
					start := used(t)
					f, err := dockerfile.Parse("Dockerfile", text, dockerfile.Options{})
					if err != nil {
						t.Fatal(err)
					}
					s := &audit.Subject{Dockerfile: f}
					s.Prepare()
					audit.Run(s, all)
					if took := used(t) - start; best == 0 || took < best {
						best = took
					}
				}
				return best
			}
			const factor, little = 8, 40 * time.Millisecond // below that the first use of something decides
			once, twice := cost(h.small), cost(2*h.small)
			if twice > factor*once && twice > little {
				t.Errorf("%d take %v of CPU time, %d take %v", h.small, once, 2*h.small, twice)
			}
			if h.large == 0 {
				return
			}
			var refused *dockerfile.ParseError
			start := used(t)
			_, err := dockerfile.Parse("Dockerfile", bytes.TrimSpace([]byte(h.text(h.large))), dockerfile.Options{})
			if !errors.As(err, &refused) || !refused.Ours {
				t.Errorf("%d are read: %v", h.large, err)
			}
			if took := used(t) - start; took > 100*max(twice, little) {
				t.Errorf("%d take %v to be turned down, %d take %v to be judged", h.large, took, 2*h.small, twice)
			}
		})
	}
}

// used is the CPU time of this process.
func used(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
