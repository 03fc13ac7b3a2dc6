package matrix

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// TestMatrix builds the programs and compares what is read of each with its truth. It ends with a table by topic.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds some two hundred programs")
	}
	programs := readPrograms(t)
	source := writeSources(t, programs)
	counts, built := newTally(), 0
	t.Run("variants", func(t *testing.T) {
		for _, v := range variants {
			chosen := v.chosen(programs)
			built += len(chosen)
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				v.ready(t)
				out := v.build(t, source, chosen)
				for _, p := range chosen {
					t.Run(p.name, func(t *testing.T) { v.check(t, p, filepath.Join(out, p.name), counts) })
				}
			})
		}
	})
	t.Logf("%d programs, %d variants, %d cells\n%s", len(programs), len(variants), built, counts)
	for _, l := range limits {
		t.Logf("limit, %d times: %s, %s: %s", counts.limits[l], l.program, l.topic, l.because)
		if full() && counts.limits[l] == 0 {
			t.Errorf("no longer a limit: %s, %s: %s", l.program, l.topic, l.because)
		}
	}
}

// check reads one program.
func (v variant) check(t *testing.T, p *program, file string, counts *tally) {
	if _, err := os.Stat(file); err != nil && p.own && !p.vendors() {
		t.Skip("not built: its modules are not in the module cache")
	}
	b := read(t, file)
	if b.Opaque != "" || b.Go == nil {
		t.Fatalf("opaque %q, Go %v", b.Opaque, b.Go)
	}
	if !slices.Contains(v.loaders, b.ELF.Interpreter) {
		t.Errorf("interpreter %q, want one of %q", b.ELF.Interpreter, v.loaders)
	}
	for _, c := range p.judge(b, v.resolver(p)) {
		counts.add(c, p.speaks(c.topic) || c.outcome != agrees)
		if c.outcome == agrees {
			continue
		}
		if i := slices.IndexFunc(limits, func(l limit) bool { return l.covers(p, v, c) }); i >= 0 {
			counts.addLimit(limits[i])
			continue
		}
		t.Errorf("%s: %v: got %s\n%s", c.topic, c.outcome, c.got, evidence(b, c.topic))
	}
}

// speaks says whether the truth is more than that there is nothing.
func (t *truth) speaks(topic string) bool {
	c, ok := t.needs[binary.Topic(topic)]
	switch topic {
	case "signals":
		return t.signals.Notify || len(t.signals.Ignored) > 0
	case "listens":
		return t.listens.word == always
	case "ports":
		return len(t.ports) > 0
	case "shutdown":
		return t.shutdown
	case "profiling":
		return t.profiling.word != absent
	case "features":
		return len(t.features) > 0
	}
	return ok && c.word != absent
}

// evidence is what the reader has to say for itself.
func evidence(b *binary.Binary, topic string) string {
	var lines []binary.Evidence
	n, _ := b.Need(binary.Topic(topic))
	switch topic {
	case "signals":
		lines = b.Signals.Evidence
	case "listens", "ports", "shutdown", "profiling":
		lines = b.Server.Evidence
	default:
		lines = n.Evidence
	}
	text, err := json.MarshalIndent(lines, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func read(t *testing.T, file string) *binary.Binary {
	t.Helper()
	b, err := tryRead(t, file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tryRead reads an executable that may be none.
func tryRead(t *testing.T, file string) (*binary.Binary, error) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return binary.Read(f, info.Size(), file)
}
