package repair

import (
	"fmt"
	goversion "go/version"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// Who the service is: a number that no system uses, so that clusters see that it is not root.
const (
	uid       = "65532"
	numbers   = uid + ":" + uid
	bundle    = "/etc/ssl/certs/ca-certificates.crt"
	zoneinfo  = "/usr/share/zoneinfo"
	rootEntry = "root:x:0:0:root:/:/sbin/nologin"
)

// final begins the stage that is shipped.
func (g *generator) final() Stage {
	s := Stage{From: g.base, Name: "release"}
	switch {
	case g.Base != "":
		s.Serves = []string{"the base that was asked for"}
	case g.linking.libc == binary.NoLibc:
		s.Serves = []string{g.linking.evidence + ", so it needs no base"}
	default:
		s.Serves = []string{"loader: " + g.linking.evidence}
	}
	g.execs(&s)
	g.collect()
	return s
}

// bare reports whether the final stage starts from nothing.
func (g *generator) bare() bool { return g.base == "scratch" }

// collect plans the files of the final image that a stage with a shell has to make.
func (g *generator) collect() {
	if !g.bare() {
		return
	}
	if d, ok := g.need(binary.TopicTempDir); ok {
		dirs := []string{"/tmp"}
		for _, name := range d.names {
			if path.IsAbs(name) && !underMounts(name) {
				dirs = append(dirs, path.Clean(name))
			}
		}
		slices.Sort(dirs)
		for _, dir := range slices.Compact(dirs) {
			g.rootfs = append(g.rootfs, "mkdir -p "+quoted(rootfsDir+dir), "chmod 1777 "+quoted(rootfsDir+dir))
		}
		g.serves = append(g.serves, d.serving())
	}
	_, users := g.need(binary.TopicUserDatabase)
	hosts := g.needsHostsOrder()
	if !users && !hosts {
		return
	}
	g.rootfs = append(g.rootfs, "mkdir -p "+rootfsDir+"/etc")
	if d, ok := g.need(binary.TopicUserDatabase); ok {
		g.rootfs = append(g.rootfs,
			fmt.Sprintf(`printf '%s\nnonroot:x:%s:%s:nonroot:/:/sbin/nologin\n' >%s/etc/passwd`, rootEntry, uid, uid, rootfsDir),
			fmt.Sprintf(`printf 'root:x:0:\nnonroot:x:%s:\n' >%s/etc/group`, uid, rootfsDir))
		g.serves = append(g.serves, d.serving())
		for _, name := range d.names {
			if name = strings.TrimPrefix(name, ":"); name != "root" && name != "nonroot" {
				g.note("the program looks up %s, whom the image does not know: add the line to /etc/passwd or /etc/group", name)
			}
		}
	}
	if hosts {
		g.rootfs = append(g.rootfs, `printf 'hosts: files dns\n' >`+rootfsDir+"/etc/nsswitch.conf")
		g.serves = append(g.serves, "resolver: "+g.Binary.Go.Release()+" asks DNS before /etc/hosts without nsswitch.conf")
	}
}

// underMounts reports whether the run-time brings a directory itself.
func underMounts(name string) bool {
	return slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
}

// needsHostsOrder reports whether the program's Go, before 1.16, ignores /etc/hosts without an nsswitch.conf.
func (g *generator) needsHostsOrder() bool {
	if g.Main != nil || g.Binary == nil || g.Binary.Go == nil {
		return false
	}
	_, resolves := g.need(binary.TopicResolver)
	release := g.Binary.Go.Release()
	return resolves && release != "" && goversion.Compare(release, "go1.16") < 0
}

// finish completes the final stage: the files it needs, who runs what.
func (g *generator) finish(s *Stage) {
	program := s.Steps
	s.Steps = nil
	if len(g.rootfs) > 0 {
		i := slices.IndexFunc(g.plan.Stages, func(b Stage) bool { return b.Name == g.roots })
		if i < 0 {
			g.plan.Stages = append([]Stage{g.filesStage()}, g.plan.Stages...)
			i = 0
		}
		st := &g.plan.Stages[i]
		made := run("", nil, g.rootfs...)
		made.Serves = g.serves
		st.add(made)
		s.add(copyFrom("the files made above", g.roots, rootfsDir+"/", "/"))
	}
	g.certificates(s)
	g.zones(s)
	s.Steps = append(s.Steps, program...)
	g.environment(s)
	s.add(line("the number of a user without rights: a cluster sees that it is not root", "USER", g.user()))
	g.ports(s)
	g.stop(s)
	if len(g.Health) > 0 {
		s.add(exec("the program checks itself: no shell, no curl", "HEALTHCHECK", append([]string{g.program}, g.Health...)...))
	}
	s.add(exec("", "ENTRYPOINT", g.program))
	g.command(s)
	g.plan.Stages = append(g.plan.Stages, *s)
	if g.Debug {
		g.debugger()
	} else {
		last := &g.plan.Stages[len(g.plan.Stages)-1]
		last.Name = ""
	}
}

// filesStage is a stage to take files from when nothing is built. It has a CA bundle, a shell and the zones.
func (g *generator) filesStage() Stage {
	image, _ := g.builder()
	g.roots = "files"
	return Stage{Name: "files", From: image, Platform: "$BUILDPLATFORM", Serves: []string{"files that the program needs, the same on every platform"}}
}

// from is the stage that has files to copy; it is made when nothing is built.
func (g *generator) from() string {
	if g.roots == "" {
		g.plan.Stages = append([]Stage{g.filesStage()}, g.plan.Stages...)
	}
	return g.roots
}

func (g *generator) certificates(s *Stage) {
	d, ok := g.need(binary.TopicCARoots)
	if !ok || !g.bare() && g.hasRoots() {
		return
	}
	s.add(copyFrom(d.serving(), g.from(), bundle, bundle))
}

// hasRoots reports whether the base has a CA bundle of its own.
func (g *generator) hasRoots() bool { return g.Base == "" && repository(g.base) == "alpine" }

func (g *generator) zones(s *Stage) {
	d, ok := g.need(binary.TopicZoneinfo)
	if !ok || g.Main != nil { // then they are built in
		return
	}
	s.add(copyFrom(d.serving(), g.from(), zoneinfo, zoneinfo))
}

// ports exposes what the binary proves to listen on.
func (g *generator) ports(s *Stage) {
	var ports []string
	if g.Binary != nil && g.Binary.Server.Listens {
		for _, p := range g.Binary.Server.Ports {
			ports = append(ports, fmt.Sprint(p))
			if p < 1024 {
				g.note("the program listens on port %d: some clusters keep ports below 1024 for root, give it another one there", p)
			}
		}
	}
	if g.Image != nil {
		for _, p := range g.Image.Image.Config.ExposedPorts {
			if p = strings.TrimSuffix(p, "/tcp"); !slices.Contains(ports, p) {
				ports = append(ports, p)
			}
		}
	}
	if len(ports) > 0 {
		s.add(line("", "EXPOSE", ports...))
	}
}

// sigterm is what an engine sends without STOPSIGNAL.
const sigterm = 15

// stop names the signal that the program handles, if it is not the usual one.
func (g *generator) stop(s *Stage) {
	if g.Binary == nil {
		return
	}
	if handles, known := g.Binary.Signals.Handles(sigterm); handles || !known {
		return
	}
	for _, n := range []int{2, 3, 10, 12, 1} { // those with which a person asks a program to end, and the user's own
		if slices.Contains(g.Binary.Signals.Handled, n) && n != 1 {
			s.add(line("the program handles this signal, and not SIGTERM", "STOPSIGNAL", binary.SignalName(n)))
			return
		}
	}
}

// execs looks for the programs that the program starts.
func (g *generator) execs(s *Stage) {
	d, ok := g.need(binary.TopicExec)
	if !ok {
		return
	}
	what := "other programs"
	if len(d.names) > 0 {
		what = strings.Join(d.names, ", ")
	}
	if g.Base == "" && g.bare() && len(d.names) > 0 && !slices.ContainsFunc(d.names, func(n string) bool { return !slices.Contains(applets, path.Base(n)) }) {
		g.base = muslBase
		s.From = g.base
		s.Serves = []string{d.serving() + "; busybox has " + what}
		return
	}
	if g.bare() {
		g.note("the program starts %s (%s), which scratch does not have: name a base that has them with --base", what, d.because)
	} else {
		g.note("the program starts %s (%s): see that %s has them", what, d.because, g.base)
	}
}

// applets are commands that busybox has in every build of Alpine. Source: its alpine package's list of links.
var applets = strings.Fields(`sh ash awk base64 basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false find grep gunzip gzip head
	hostname id kill ln ls md5sum mkdir mkfifo mktemp mv nc nproc nslookup ping printf ps pwd readlink realpath rm rmdir sed seq sha256sum sleep sort stat
	stty sync tail tar tee test timeout touch tr true tty uname uniq unzip uptime vi wc wget which whoami xargs yes zcat`)
