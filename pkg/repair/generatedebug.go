package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// delve is the debugger and the release of it that was tried. Source: the module proxy.
const delve = "github.com/go-delve/delve/cmd/dlv@v1.27.2"

// debugger adds the stage debug, of the same image with the program unstripped under a debugger, and makes the release
// the default again.
func (g *generator) debugger() {
	release := g.plan.Stages[len(g.plan.Stages)-1]
	if g.Main == nil {
		g.note("no debugger is added: without the source the program cannot be built with symbols")
		return
	}
	symbols := Stage{Name: "build-debug", From: "build", Serves: []string{"the program with symbols, nothing optimised away, and a debugger for it"}}
	env := "CGO_ENABLED=1"
	if g.linking.libc == binary.NoLibc {
		env = "CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v}"
	}
	out := path.Join(outDir, "debug", path.Base(g.program))
	symbols.add(run("", g.mounts(), env+indent+g.goBuild(g.tags(), `-gcflags="all=-N -l"`, out)))
	// go install refuses GOBIN when it builds for another platform, so it is go build, in a module of its own.
	symbols.add(run("", []string{modCache, goCache}, "mkdir /dlv", "cd /dlv", "go mod init dlv", "go get "+delve,
		strings.Replace(env, "CGO_ENABLED=1", "CGO_ENABLED=0", 1)+indent+"go build -trimpath -ldflags=\"-s -w\" -o "+path.Join(outDir, "debug/dlv")+" "+strings.Split(delve, "@")[0]))
	debug := Stage{Name: "debug", From: "release", Serves: []string{
		"docker build --target debug, docker run --cap-add=SYS_PTRACE -p 127.0.0.1:4000:4000, dlv connect :4000",
		"the debugger asks nobody for a password: not for a machine that others reach"}}
	debug.add(
		copyFrom("", "build-debug", out, g.program),
		copyFrom("", "build-debug", path.Join(outDir, "debug/dlv"), "/dlv"),
		line("", "EXPOSE", "4000"),
		exec("", "ENTRYPOINT", "/dlv", "exec", "--headless", "--listen=:4000", "--api-version=2", "--accept-multiclient", "--continue", g.program, "--"))
	last := Stage{From: "release", Serves: []string{"without --target it is the release"}}
	g.plan.Stages = append(slices.Clone(g.plan.Stages[:len(g.plan.Stages)-1]), release, symbols, debug, last)
}
