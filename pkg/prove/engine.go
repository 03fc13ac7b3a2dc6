package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Kind is a tool that builds or runs images.
type Kind string

// The kinds.
const (
	BuildKit Kind = "buildkit" // buildctl, with a buildkitd that answers
	Docker   Kind = "docker"
	Podman   Kind = "podman"
	Buildah  Kind = "buildah"
	Runc     Kind = "runc"
)

// Engine is a tool of this machine that answers.
type Engine struct {
	Kind    Kind
	Path    string // of the executable
	Version string // of the tool, "4.3.1"
	Builder string // of docker, if it is to build: "buildx", "BuildKit" or "classic builder"
}

func (e *Engine) String() string {
	if e.Builder != "" {
		return fmt.Sprintf("%s %s (%s)", e.Kind, e.Version, e.Builder)
	}
	return string(e.Kind) + " " + e.Version
}

// Absent is a kind that cannot be used here.
type Absent struct {
	Kind    Kind
	Because string // "buildctl is not installed", "no daemon answers: .."
}

// NoEngine is the error when nothing here can do what is wanted.
type NoEngine struct {
	Wanted string // "builds" or "runs"
	Absent []Absent
}

func (e *NoEngine) Error() string {
	var why []string
	for _, a := range e.Absent {
		why = append(why, fmt.Sprintf("%s: %s", a.Kind, a.Because))
	}
	return fmt.Sprintf("looking for what %s images: %s", e.Wanted, strings.Join(why, "; "))
}

// Hint says what to install.
func (e *NoEngine) Hint() string {
	if e.Wanted == "runs" {
		return "install podman (apt-get install podman) or docker, or as root runc"
	}
	return "install podman (apt-get install podman), docker or buildah, or start buildkitd and set BUILDKIT_HOST"
}

// kindOf is one kind with its executable, what it can do, and how to ask whether it answers.
type kindOf struct {
	kind   Kind
	file   string
	builds bool
	runs   bool
	ask    []string // prints something with the version when it can be used
}

// kinds are all kinds in the order in which `auto` takes them.
var kinds = []kindOf{
	{kind: Docker, file: "docker", builds: true, runs: true, ask: []string{"version", "--format", "{{.Server.Version}}"}},
	{kind: Podman, file: "podman", builds: true, runs: true, ask: []string{"version", "--format", "{{.Client.Version}}"}},
	{kind: BuildKit, file: "buildctl", builds: true, ask: []string{"debug", "info"}},
	{kind: Buildah, file: "buildah", builds: true, ask: []string{"--version"}},
	{kind: Runc, file: "runc", runs: true, ask: []string{"--version"}},
}

// Kinds are the values of --engine beside auto.
func Kinds() []Kind { return []Kind{BuildKit, Docker, Podman, Buildah} }

// Engines are the tools of one proof.
type Engines struct {
	Build *Engine // nil when nothing is to be built
	Run   *Engine
}

// Find chooses the engines: with "auto" the first that answers, else the one that is named to build, and to run what it
// can, or the first that can.
func Find(ctx context.Context, name string, build bool) (*Engines, error) {
	chosen := &Engines{}
	var err error
	if build {
		if chosen.Build, err = find(ctx, "builds", func(k kindOf) bool { return k.builds && (name == "auto" || Kind(name) == k.kind) }); err != nil {
			return nil, err
		}
	}
	wanted := Kind(name)
	if chosen.Build != nil {
		wanted = chosen.Build.Kind
	}
	if chosen.Run, err = find(ctx, "runs", func(k kindOf) bool { return k.runs && k.kind == wanted }); err == nil {
		return chosen, nil
	}
	chosen.Run, err = find(ctx, "runs", func(k kindOf) bool { return k.runs })
	return chosen, err
}

// FindRunner gives the engine of a kind that runs images.
func FindRunner(ctx context.Context, kind Kind) (*Engine, error) {
	return find(ctx, "runs", func(k kindOf) bool { return k.runs && k.kind == kind })
}

// find gives the first kind that suits and answers.
func find(ctx context.Context, wanted string, suits func(kindOf) bool) (*Engine, error) {
	none := &NoEngine{Wanted: wanted}
	for _, k := range kinds {
		if !suits(k) {
			continue
		}
		e, err := k.look(ctx)
		if err == nil && k.kind == Docker && wanted == "builds" {
			e.Builder, err = e.builder(ctx)
		}
		if err == nil {
			return e, nil
		}
		none.Absent = append(none.Absent, Absent{Kind: k.kind, Because: err.Error()})
	}
	return nil, none
}

// patience bounds a question to an engine.
const patience = 10 * time.Second

var version = regexp.MustCompile(`v?\d+\.\d+(\.\d+)?[\w.+~-]*`)

// look asks the tool for its version.
func (k kindOf) look(ctx context.Context) (*Engine, error) {
	file, err := exec.LookPath(k.file)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed", k.file)
	}
	if k.kind == Runc && os.Geteuid() != 0 {
		return nil, errors.New("it needs root")
	}
	out, err := k.question(ctx, file)
	if err != nil {
		return nil, err
	}
	return &Engine{Kind: k.kind, Path: file, Version: strings.TrimPrefix(version.FindString(out), "v")}, nil
}

// question asks the tool and returns what it prints.
func (k kindOf) question(ctx context.Context, file string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, k.ask...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not answer: %s", k.file, lastLine(string(out), err))
	}
	return string(out), nil
}

func (k kindOf) answers(ctx context.Context, file string) error {
	_, err := k.question(ctx, file)
	return err
}

// lastLine is the last line that a tool printed, or else its error.
func lastLine(out string, err error) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return err.Error()
}
