package reality

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// withMode changes mode and owner of the only file of a part.
func withMode(p part, mode fs.FileMode, uid, gid int) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		files := p(t, w)
		files[0].Mode, files[0].UID, files[0].GID = mode, uid, gid
		return files
	}
}

// setuidCells run a program as nobody and look at whose rights it has.
func setuidCells() []cell {
	var cells []cell
	for _, c := range []struct {
		name     string
		mode     fs.FileMode
		uid, gid int
	}{
		{"no bit", 0o755, 0, 0},
		{"setuid", fs.ModeSetuid | 0o755, 0, 0},
		{"setgid", fs.ModeSetgid | 0o755, 0, 0},
		{"both", fs.ModeSetuid | fs.ModeSetgid | 0o755, 0, 0},
		{"setuid of another user", fs.ModeSetuid | 0o755, 1000, 1000},
		{"sticky", fs.ModeSticky | 0o755, 0, 0},
	} {
		cells = append(cells, cell{name: c.name, rule: "setuid-shipped", config: layers.Config{User: "65534:65534"},
			root: withMode(program("/app", "rights", static), c.mode, c.uid, c.gid), failed: without("euid=65534;egid=65534;")})
	}
	return cells
}

// leftoverCells look at what variables make of a program's output.
func leftoverCells() []cell {
	const panics = "panics"
	prints := func(o outcome) bool {
		for _, trace := range []string{"gc 1 @", "init runtime @", "SCHED ", "go package net"} {
			if strings.Contains(o.output, trace) {
				return true
			}
		}
		return false
	}
	mute := func(o outcome) bool { return !strings.Contains(o.output, "goroutine 1 ") }
	fixed := func(o outcome) bool { return strings.Contains(o.output, "procs=61;") }
	var cells []cell
	for _, c := range []struct {
		setting string
		failed  func(outcome) bool
		args    []string
	}{
		{"GODEBUG=gctrace=1", prints, nil},
		{"GODEBUG=gctrace=0", prints, nil},
		{"GODEBUG=inittrace=1", prints, nil},
		{"GODEBUG=schedtrace=5", prints, nil},
		{"GODEBUG=netdns=go", prints, nil},
		{"GODEBUG=netdns=1", prints, nil},
		{"GODEBUG=netdns=go+2", prints, nil},
		{"GODEBUG=madvdontneed=1", prints, nil},
		{"GODEBUG=", prints, nil},
		{"GOTRACEBACK=none", mute, []string{panics}},
		{"GOTRACEBACK=0", mute, []string{panics}},
		{"GOTRACEBACK=single", mute, []string{panics}},
		{"GOTRACEBACK=all", mute, []string{panics}},
		{"GOTRACEBACK=system", mute, []string{panics}},
		{"GOTRACEBACK=", mute, []string{panics}},
		{"GOMAXPROCS=61", fixed, nil},
		{"GOMAXPROCS=0", fixed, nil},
		{"GOMAXPROCS=", fixed, nil},
	} {
		cells = append(cells, cell{name: c.setting, rule: "environment-leftover", root: program("/app", "noisy", static), failed: c.failed,
			config: layers.Config{Env: []string{c.setting}, Entrypoint: append([]string{"/app"}, c.args...)}})
	}
	return cells
}
