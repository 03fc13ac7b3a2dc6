package prove

import (
	"strings"
	"testing"
)

func TestTelling(t *testing.T) {
	for _, c := range []struct {
		name, output string
		bad          bool
		want         string
	}{
		{"nothing", "", true, ""},
		{"a panic", "listening\npanic: boom\n\ngoroutine 1 [running]:\n", true, "panic: boom"},
		{"a message of the library", "start\nGet \"https://x\": tls: failed to verify certificate: x509: certificate signed by unknown authority\n", false,
			"Get \"https://x\": tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"the last word of one that ended", "error: no keys, making some\nINFO: done\nerror: the disk is gone\nbye\n", true, "error: the disk is gone"},
		{"the first word of one that runs", "error: no keys, making some\nerror: the disk is gone\n", false, "error: no keys, making some"},
		{"a known word before others", "error: one\nopen x: read-only file system: error\nerror: two\n", true, "open x: read-only file system: error"},
		{"a panic before known words", "panic: open x: read-only file system\n\tread-only file system error\nerror\n", true, "panic: open x: read-only file system"},
		{"calm", "listening on :8080\n", false, ""},
		{"bad without a word of it", "usage: app COMMAND\n", true, "usage: app COMMAND"},
		{"the scheduler's trace is no word of the program", "SCHED 0ms: gomaxprocs=2 idleprocs=0 error\nbye\n", true, "bye"},
	} {
		if got := telling(c.output, c.bad, func(line string) bool { return strings.Contains(line, "read-only file system") }); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSchedTrace(t *testing.T) {
	if got := schedTrace("SCHED 0ms: gomaxprocs=2 idleprocs=1\nx\nSCHED 100ms: gomaxprocs=1 idleprocs=1\n"); got != 1 {
		t.Errorf("got %d, want the last one, 1", got)
	}
	if got := schedTrace("nothing"); got != 0 {
		t.Errorf("got %d of nothing", got)
	}
}

func TestPlain(t *testing.T) {
	for line, want := range map[string]string{
		`time="2026-11-22T11:01:31Z" level=error msg="exec failed: exec: \"/curl\": no such file"`: `exec failed: exec: "/curl": no such file`,
		`time="2026-11-22T11:01:31Z" level=error msg="cut off`:                                     `time="2026-11-22T11:01:31Z" level=error msg="cut off`,
		"no database": "no database",
	} {
		if got := plain(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestSaidKeepsBothEnds(t *testing.T) {
	var s said
	for range 5 {
		_, _ = s.Write(make([]byte, keep/2))
	}
	_, _ = s.Write([]byte("the end"))
	got := s.String()
	if len(got) > 2*keep+100 || got[len(got)-7:] != "the end" {
		t.Errorf("%d bytes are kept, the last %q", len(got), got[len(got)-7:])
	}
}
