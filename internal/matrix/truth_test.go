package matrix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// program is one source with its truth.
type program struct {
	name  string
	files []txtar.File // without the truth
	own   bool         // it is a module of its own
	release
	cgo  bool   // needs a C compiler
	tags string // for go build
	truth
}

// release is the least Go release that a program needs, 0 for any: 20 is Go 1.20.
type release int

// truth is what a source says of a program, whatever pkg/binary makes of it.
type truth struct {
	needs     map[binary.Topic]claim
	signals   binary.Signals
	listens   claim
	ports     []int
	maybe     bool // the ports may also go unseen: they are but the default of something
	shutdown  bool
	profiling claim
	features  []string
}

// claim is the truth about one thing.
type claim struct {
	word  word
	least binary.Certainty // the weakest that is good enough
	names []string
	weak  bool // with never: "likely" is no fault, because only the flow of data could tell
}

// word says whether something happens.
type word string

// The words. What a truth does not speak of is absent or, where the standard library links it by itself, never.
const (
	always word = "always" // whenever the code that the statements lead to runs
	input  word = "input"  // for some input
	never  word = "never"  // linked perhaps, never needed
	absent word = "absent" // not even linked
)

// linkedAnyway are the topics that the standard library links for its own purposes.
var linkedAnyway = []binary.Topic{
	binary.TopicLocalTime, binary.TopicResolver, binary.TopicMIMETypes, binary.TopicFiles, binary.TopicEnvironment,
}

// need returns the truth about a topic.
func (t *truth) need(topic binary.Topic) claim {
	c, ok := t.needs[topic]
	switch {
	case ok:
		return c
	case slices.Contains(linkedAnyway, topic):
		return claim{word: never}
	}
	return claim{word: absent}
}

// readPrograms reads programs/*.txtar, by name.
func readPrograms(t *testing.T) []*program {
	t.Helper()
	files, err := filepath.Glob("programs/*.txtar")
	if err != nil || len(files) < 45 {
		t.Fatalf("%d programs, %v", len(files), err)
	}
	var all []*program
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseProgram(strings.TrimSuffix(filepath.Base(file), ".txtar"), text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, p)
	}
	return all
}

func parseProgram(name string, text []byte) (*program, error) {
	p := &program{name: name, truth: truth{needs: map[binary.Topic]claim{}, listens: claim{word: absent}, profiling: claim{word: absent}}}
	told := false
	for _, f := range txtar.Parse(text).Files {
		if f.Name != "truth" {
			p.files = append(p.files, f)
			p.own = p.own || f.Name == "go.mod"
			continue
		}
		told = true
		for line := range strings.Lines(string(f.Data)) {
			if err := p.tell(strings.Fields(line)); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
	}
	if !told {
		return nil, errors.New("no truth")
	}
	return p, nil
}

// tell reads one line of a truth.
func (p *program) tell(words []string) error {
	if len(words) == 0 {
		return nil
	}
	rest := words[1:]
	switch words[0] {
	case "go":
		n, err := strconv.Atoi(strings.TrimPrefix(rest[0], "1."))
		p.release = release(n)
		return err
	case "cgo":
		p.cgo = true
	case "tags":
		p.tags = rest[0]
	case string(always), string(input):
		p.needs[binary.Topic(rest[0])] = claim{word: word(words[0]), least: binary.Certainty(rest[1]), names: sorted(rest[2:])}
	case string(never), string(absent):
		p.needs[binary.Topic(rest[0])] = claim{word: word(words[0]), weak: slices.Contains(rest, "weak")}
	case "signals":
		return p.tellSignals(rest)
	case "listens":
		p.listens = claim{word: always, least: binary.Certainty(rest[0])}
		rest = rest[1:]
		if p.maybe = len(rest) > 0 && rest[0] == "?"; p.maybe {
			rest = rest[1:]
		}
		var err error
		p.ports, err = numbers(rest)
		return err
	case "shutdown":
		p.shutdown = true
	case "profiling":
		p.profiling = claim{word: always, least: binary.Certainty(rest[0])}
		if rest[0] == "no" {
			p.profiling = claim{word: never}
		}
	case "feature":
		p.features = append(p.features, rest[0])
	default:
		return errors.New("no such word")
	}
	return nil
}

// tellSignals reads "NUMBERS... [all] [unknown] [ignored NUMBERS...]".
func (p *program) tellSignals(words []string) error {
	list := &p.signals.Handled
	for _, w := range words {
		switch w {
		case "all":
			p.signals.All = true
		case "unknown":
			p.signals.Unknown = true
		case "ignored":
			list = &p.signals.Ignored
			continue
		default:
			n, err := strconv.Atoi(w)
			if err != nil {
				return err
			}
			*list = append(*list, n)
		}
	}
	p.signals.Notify = p.signals.All || p.signals.Unknown || len(p.signals.Handled) > 0
	return nil
}

func numbers(words []string) ([]int, error) {
	var all []int
	for _, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}
