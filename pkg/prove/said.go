package prove

import (
	"fmt"
	"strings"
	"sync"
)

// said keeps what a program prints, its beginning and its end, and can be read meanwhile.
type said struct {
	mu   sync.Mutex
	head []byte
	last []byte
	lost int // bytes between them
}

// keep is how many bytes of either end are kept.
const keep = 32 << 10

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	if room := keep - len(s.head); room > 0 {
		take := min(room, len(p))
		s.head, p = append(s.head, p[:take]...), p[take:]
	}
	s.last = append(s.last, p...)
	if over := len(s.last) - keep; over > 0 {
		s.lost += over
		s.last = append(s.last[:0], s.last[over:]...)
	}
	return n, nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		return fmt.Sprintf("%s\n[%d bytes left out]\n%s", s.head, s.lost, s.last)
	}
	return string(s.head) + string(s.last)
}

// refusal is why the engine did not start the program: the run-time's words without the engine's before them.
func refusal(output, state string) string {
	words := state
	if words == "" {
		words = lastLine(output, fmt.Errorf("no words"))
	}
	for _, before := range []string{"Error: ", "OCI runtime error: ", "runc create failed: ", "unable to start container process: ", "container_linux.go"} {
		if _, rest, ok := strings.Cut(words, before); ok && rest != "" {
			words = rest
		}
	}
	words, _, _ = strings.Cut(words, ": OCI ")                       // podman's own word on the same
	return strings.TrimSuffix(strings.TrimSpace(words), ": unknown") // containerd's
}
