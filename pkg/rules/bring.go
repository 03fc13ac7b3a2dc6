package rules

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// supply is a file or directory that programs need, and who has it.
type supply struct {
	title    string            // of the fix
	path     string            // in every stage and image that has it
	to       string            // the destination of its COPY
	packages map[string]string // that bring it, by package manager
	bases    []string          // kinds of base images that have it
}

// The supplies. Sources: the Dockerfiles of the official images (buildpack-deps:curl and golang:alpine install
// ca-certificates; alpine has ca-certificates-bundle since 3.12), distroless' static and base, Debian's media-types and
// Alpine's mailcap.
var (
	suppliedRoots = supply{
		title: "Bring the CA roots into the image", path: "/etc/ssl/certs/ca-certificates.crt", to: "/etc/ssl/certs/",
		packages: map[string]string{"apk": "ca-certificates", "apt-get": "ca-certificates", "apt": "ca-certificates"},
		bases:    []string{"golang", "golang-alpine", "alpine", "distroless", "buildpack-deps"},
	}
	suppliedZones = supply{
		title: "Bring the time zones into the image", path: "/usr/share/zoneinfo", to: "/usr/share/zoneinfo",
		packages: map[string]string{"apk": "tzdata", "apt-get": "tzdata", "apt": "tzdata"},
		bases:    []string{"distroless"},
	}
	suppliedTypes = supply{
		title: "Bring the MIME types into the image", path: "/etc/mime.types", to: "/etc/",
		packages: map[string]string{"apk": "mailcap", "apt-get": "media-types", "apt": "media-types"},
	}
)

// bring makes the fix that brings a supply into the final image: by the line of the final stage that installs packages,
// by a COPY from a stage that surely has it, or by a line that installs it. Nil where none of them is sure.
func bring(p *audit.Pass, s supply) *audit.Fix {
	if fits, _ := p.DockerfileFits(); !fits || p.Dockerfile.Final() == nil || !clear(p, s.path) || brought(p, s) {
		return nil
	}
	edits := extendInstall(p, s)
	if edits == nil {
		if from := stageWith(p, s); from != "" {
			edits = intoFinal(p, "COPY --from="+from+" "+s.path+" "+s.to)
		}
	}
	if edits == nil {
		edits = installLine(p, s)
	}
	return fixOf(s.title, audit.Safe, edits)
}

// brought reports whether a line of the final image brings a supply already: the image is older then.
func brought(p *audit.Pass, s supply) bool {
	return slices.ContainsFunc(steps(p.Dockerfile.Final()), func(in *dockerfile.Instruction) bool {
		if in.Copy != nil {
			return in.Copy.Makes(s.path) || in.Copy.Dest == s.path
		}
		script := in.Script()
		return in.Run != nil && script != nil && slices.ContainsFunc(script.Commands, s.installedBy)
	})
}

// installedBy reports whether a command installs the package of a supply.
func (s supply) installedBy(c dockerfile.ShellCommand) bool {
	if len(c.Args) == 0 || !installs(c) {
		return false
	}
	name := s.packages[c.Args[0].Value]
	return name != "" && slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool { return w.Value == name })
}

// clear reports whether a path can be made: no line removes it, and what is there of the directories above are plain ones
// that the user of the image may search.
func clear(p *audit.Pass, name string) bool {
	if _, deleted := p.Image.FS.Deleted(name); deleted {
		return false
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		e, ok := p.Image.FS.Entry(dir)
		if ok && (!e.Mode.IsDir() || !p.Image.FS.Access(dir, p.Identity, 0).OK) {
			return false
		}
	}
	return true
}

// extendInstall adds the package to the last line of the final image's own stages that installs others.
func extendInstall(p *audit.Pass, s supply) []dockerfile.Edit {
	for _, in := range slices.Backward(steps(p.Dockerfile.Final())) {
		if edits := installMore(p, in, s.packages); edits != nil {
			return edits
		}
	}
	return nil
}

// stageWith is a stage before the final one that surely has a supply, as COPY --from names it; "" if none has. Those that
// the final stage copies from already come first.
func stageWith(p *audit.Pass, s supply) string {
	final := p.Dockerfile.Final()
	for _, in := range final.Instructions {
		if in.Copy != nil && in.Copy.From != nil && has(in.Copy.From, s) {
			return flagValue(in, "from")
		}
	}
	for _, stage := range p.Dockerfile.Stages[:final.Index] {
		if !p.Dockerfile.Reachable(stage) || stageReach(p, stage) == ships || !has(stage, s) {
			continue
		}
		return stageRef(stage)
	}
	return ""
}

// stageRef is how COPY --from names a stage.
func stageRef(s *dockerfile.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.Itoa(s.Index)
}

// has reports whether a stage surely has a supply: its base is known to, or it installs it; and no RUN says its name.
func has(stage *dockerfile.Stage, s supply) bool {
	installed := slices.Contains(s.bases, baseKindOf(stage.Root()))
	for _, in := range steps(stage) {
		if in.Run == nil {
			continue
		}
		if strings.Contains(in.Run.Script, path.Dir(s.path)) || in.Run.Script != "" && in.Script() == nil {
			return false
		}
		if in.Script() == nil {
			continue
		}
		installed = installed || slices.ContainsFunc(in.Script().Commands, s.installedBy)
	}
	return installed
}

// installLine installs the package in the final stage, where its base is a distribution that can.
func installLine(p *audit.Pass, s supply) []dockerfile.Edit {
	switch baseKindOf(p.Dockerfile.Final().Root()) {
	case "alpine":
		return runInFinal(p, nil, "apk add --no-cache "+s.packages["apk"], "apk")
	case "debian":
		return runInFinal(p, nil, "apt-get update && apt-get install -y --no-install-recommends "+s.packages["apt-get"]+" && rm -rf /var/lib/apt/lists/*", "apt-get", "rm")
	}
	return nil
}

// kinds of base images, by the names of the official ones; a mirror's or a proxy's are the same.
var baseKinds = []struct {
	kind       string
	repository *lazyregexp.Regexp // of the name without registry and tag
	tag        *lazyregexp.Regexp
}{
	{"golang-alpine", lazyregexp.New(`(^|/)golang$`), lazyregexp.New(`^(1(\.\d+){1,2}-)?alpine(3\.\d+)?$`)},
	{"golang", lazyregexp.New(`(^|/)golang$`), lazyregexp.New(`^(latest|1(\.\d+){0,2}|((1(\.\d+){1,2}-)?(buster|bullseye|bookworm|trixie)))$`)},
	{"alpine", lazyregexp.New(`(^|/)alpine$`), lazyregexp.New(`^(latest|edge|3|3\.(1[2-9]|[2-9]\d)(\.\d+)?)$`)},
	{"debian", lazyregexp.New(`(^|/)debian$`), lazyregexp.New(`^(latest|stable|\d+(\.\d+)?|buster|bullseye|bookworm|trixie)(-slim)?$`)},
	{"debian", lazyregexp.New(`(^|/)ubuntu$`), lazyregexp.New(`^(latest|rolling|devel|\d\d\.\d\d|[a-z]+)$`)},
	{"buildpack-deps", lazyregexp.New(`(^|/)buildpack-deps$`), lazyregexp.New(`(^|-)(curl|scm)$`)},
	{"busybox", lazyregexp.New(`(^|/)busybox$`), lazyregexp.New(`^[a-z0-9][a-z0-9.-]*$`)},
	{"distroless", lazyregexp.New(`/distroless/(static|base|cc)(-debian\d+)?$`), lazyregexp.New(`^[a-z]+(-[a-z0-9]+)?$`)},
}

// baseKindOf is the kind of the image that a stage starts from, "" for one that is not known.
func baseKindOf(s *dockerfile.Stage) string {
	name, _, _ := strings.Cut(s.Base, "@")
	tag := "latest"
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	for _, k := range baseKinds {
		if k.repository.MatchString(name) && k.tag.MatchString(tag) {
			return k.kind
		}
	}
	return ""
}
