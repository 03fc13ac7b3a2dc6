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
// every few milliseconds because it is gone with the process. The memory of a tmpfs is not in it.
type meter struct{ most atomic.Int64 }

const meterInterval = 20 * time.Millisecond

// watch looks until done.
func (m *meter) watch(pid func() int, done <-chan struct{}) {
	go func() {
		var status string
		tick := time.NewTicker(meterInterval)
		defer tick.Stop()
		for {
			if status == "" {
				if p := pid(); p > 0 {
					status = fmt.Sprintf("/proc/%d/status", p)
				}
			}
			m.look(status)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
}

func (m *meter) look(status string) {
	if status == "" {
		return
	}
	text, err := os.ReadFile(status)
	if err != nil {
		return
	}
	_, rest, ok := bytes.Cut(text, []byte("VmHWM:"))
	if fields := strings.Fields(string(rest)); ok && len(fields) > 0 {
		if kib, err := strconv.ParseInt(fields[0], 10, 64); err == nil && kib<<10 > m.most.Load() {
			m.most.Store(kib << 10)
		}
	}
}

func (m *meter) peak() int64 { return m.most.Load() }
