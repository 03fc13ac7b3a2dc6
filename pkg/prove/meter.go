package prove

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// meter watches how much memory a program takes: the high-water mark of its resident pages (proc(5), VmHWM), looked at
// every few milliseconds because it is gone with the process; and what its control group holds, which counts further
// processes and the files of a tmpfs, but has no high-water mark of its own without the page cache.
type meter struct{ most atomic.Int64 }

const meterInterval = 20 * time.Millisecond

// watch looks until done.
func (m *meter) watch(pid func() int, done <-chan struct{}) {
	go func() {
		var status, stat string
		tick := time.NewTicker(meterInterval)
		defer tick.Stop()
		for {
			if status == "" {
				if p := pid(); p > 0 {
					status = fmt.Sprintf("/proc/%d/status", p)
					stat = memoryStat(p)
				}
			}
			m.raise(highWater(status))
			m.raise(held(stat))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
}

func (m *meter) raise(n int64) {
	if n > m.most.Load() {
		m.most.Store(n)
	}
}

// highWater is the most that a process had resident, in bytes, 0 if it is gone.
func highWater(status string) int64 {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(text, []byte("VmHWM:"))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}

func (m *meter) peak() int64 { return m.most.Load() }
