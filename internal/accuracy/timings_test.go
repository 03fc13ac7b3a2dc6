package accuracy

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// timings are where the time of a test run went.
type timings struct {
	began time.Time
	mu    sync.Mutex
	names []string // in the order of the first mention
	spent map[string]time.Duration
	times map[string]int
}

// since adds the time from a moment on to what is done under a name, by whatever of several side by side.
func (t *timings) since(name string, began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spent == nil {
		t.spent, t.times = map[string]time.Duration{}, map[string]int{}
	}
	if t.times[name] == 0 {
		t.names = append(t.names, name)
	}
	t.spent[name] += time.Since(began)
	t.times[name]++
}

// String is one line: how long in all, then each name, how often, and the sum of what ran side by side.
func (t *timings) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for _, name := range t.names {
		times := ""
		if n := t.times[name]; n > 1 {
			times = fmt.Sprintf("%d times, ", n)
		}
		all = append(all, fmt.Sprintf("%s %s%.0f s", name, times, t.spent[name].Seconds()))
	}
	return fmt.Sprintf("%.0f s on %d CPUs: %s", time.Since(t.began).Seconds(), runtime.NumCPU(), strings.Join(all, "; "))
}
