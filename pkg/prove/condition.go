package prove

import (
	"slices"
	"strings"
	"syscall"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// condition is one circumstance under which the image is run.
type condition struct {
	name string
	// change is what it does to the image, nil for nothing. It gives nil when it cannot be said of this image (it has no
	// /tmp that could be taken away), and the condition is left out.
	change func(img *layers.Image, w *worlds) *change
	run    Run // limits, mounts
	env    []string
}

// worlds are the two authorities of a proof.
type worlds struct{ valid, expired *authority }

// Conditions are the names of all conditions in the order in which they are run.
func Conditions() []string {
	var names []string
	for _, c := range conditions {
		names = append(names, c.name)
	}
	return names
}

// asBuilt is the first condition: what happens under the others is measured by it.
const asBuilt = "as built"

// zone is a time zone that no image has as its own.
const zone = "Pacific/Chatham"

// conditions are all of them.
var conditions = []condition{
	{name: asBuilt},
	{name: "another user", change: func(*layers.Image, *worlds) *change { return &change{User: "64007:64007"} }},
	{name: "read-only root", run: Run{ReadOnly: true}},
	{name: "no /tmp", change: without("/tmp")},
	{name: "a /tmp of 64 KiB", run: Run{Tmpfs: []Tmpfs{{Path: "/tmp", Size: 64 << 10, Mode: 0o1777}}}},
	{name: "no CA roots", change: withoutRoots},
	{name: "expired CA roots", change: expiredRoots},
	{name: "TZ=" + zone, change: func(*layers.Image, *worlds) *change { return &change{Env: []string{"TZ=" + zone}} }},
	{name: "no zoneinfo", change: withoutZones},
	{name: "no /etc/passwd", change: without("/etc/passwd", "/etc/group")},
	{name: "no resolv.conf", run: Run{NoResolver: true}},
	{name: "SIGINT", change: func(*layers.Image, *worlds) *change { return &change{Signal: "SIGINT"} }},
	{name: "64 MiB of memory", run: Run{Memory: 64 << 20}},
	{name: "64 MiB of memory, GOMEMLIMIT=48MiB", run: Run{Memory: 64 << 20}, env: []string{"GOMEMLIMIT=48MiB"}},
	{name: "half a CPU", run: Run{CPUs: 0.5}, env: []string{"GODEBUG=schedtrace=100"}},
}

// without takes those of the paths away that are there.
func without(paths ...string) func(*layers.Image, *worlds) *change {
	return func(img *layers.Image, _ *worlds) *change {
		var there []string
		for _, p := range paths {
			if _, ok := img.FS.Entry(p); ok {
				there = append(there, p)
			}
		}
		if there == nil {
			return nil
		}
		return &change{Remove: there}
	}
}

// roots are the files that the image's user finds CA roots in.
func roots(img *layers.Image) (files []string) {
	for _, f := range img.FS.CARoots(img.Config.Env, img.FS.Identity(img.Config.User)).Files {
		if f.Certificates > 0 && !slices.Contains(files, f.Path) {
			files = append(files, f.Path)
		}
	}
	return files
}

func withoutRoots(img *layers.Image, w *worlds) *change {
	return without(roots(img)...)(img, w)
}

func expiredRoots(img *layers.Image, w *worlds) *change {
	files := roots(img)
	if files == nil {
		return nil
	}
	c := &change{Remove: files[1:]}
	c.Add = []addition{{Path: files[0], Mode: 0o644, Data: w.expired.pem}}
	return c
}

// zoneDirs are the directories in which time.LoadLocation looks. Source: time/zoneinfo_unix.go, platformZoneSources.
var zoneDirs = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo", "/usr/local/go/lib/time/zoneinfo.zip"}

func withoutZones(img *layers.Image, w *worlds) *change {
	c := without(zoneDirs...)(img, w)
	if c != nil {
		c.Env = []string{"TZ=" + zone}
	}
	return c
}

// trusting adds the world's authority to an image that has CA roots of its own: what it dials is then a server that it can
// verify, as the real ones are. An image without roots stays as it is.
func (c *change) trusting(img *layers.Image, ca *authority) (*change, error) {
	files := roots(img)
	if files == nil || len(c.Add) > 0 || slices.Contains(c.Remove, files[0]) {
		return c, nil
	}
	have, err := img.FS.ReadFile(strings.TrimPrefix(files[0], "/"))
	if err != nil {
		return nil, err
	}
	next := *c
	next.Add = []addition{{Path: files[0], Mode: 0o644, Data: append(append(have, '\n'), ca.pem...)}}
	return &next, nil
}

// stopSignal is the signal that a STOPSIGNAL names, SIGTERM if it is "" or unknown.
func stopSignal(name string) syscall.Signal {
	name = strings.ToUpper(name)
	if name == "" {
		return syscall.SIGTERM
	}
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if n, ok := signals[name]; ok {
		return n
	}
	return syscall.SIGTERM
}

// healthCommand is the declared health check as it is executed, nil if there is none. Source: docker's HEALTHCHECK: CMD
// runs as it is, CMD-SHELL by the image's shell.
func healthCommand(c layers.Config) []string {
	switch {
	case len(c.Healthcheck) < 2:
		return nil
	case c.Healthcheck[0] == "CMD":
		return c.Healthcheck[1:]
	case c.Healthcheck[0] == "CMD-SHELL" && len(c.Shell) > 0:
		return append(slices.Clone(c.Shell), c.Healthcheck[1])
	case c.Healthcheck[0] == "CMD-SHELL":
		return []string{"/bin/sh", "-c", c.Healthcheck[1]}
	}
	return nil
}
