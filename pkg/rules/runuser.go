package rules

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// rootBases are official images whose user is root. Sources: their Dockerfiles, none of which has a USER.
var rootBases = []string{"almalinux", "alpine", "amazonlinux", "archlinux", "buildpack-deps", "busybox", "debian", "fedora", "golang", "node", "rockylinux", "ubuntu"}

// userAt is the user and group that an instruction of a stage runs as, "USER[:GROUP]" with root as "0"; known is false
// where a variable, or a base image of which that is not known, decides.
func userAt(stage *dockerfile.Stage, in *dockerfile.Instruction) (user string, known bool) {
	for _, step := range slices.Backward(before(stage, in)) {
		if step.Keyword == "USER" && len(step.Words) == 1 {
			name := step.Words[0].Value
			return rootName(name), !strings.Contains(name, "$")
		}
	}
	root := stage.Root()
	return "0", root.Scratch() || official(root.Base, rootBases...)
}

// rootName writes root in one way.
func rootName(user string) string {
	name, group, _ := strings.Cut(user, ":")
	if name == "root" || name == "" || strings.Trim(name, "0") == "" {
		name = "0"
	}
	if group == "" {
		return name
	}
	return name + ":" + group
}

// runsAsRootAt reports whether an instruction surely runs as root.
func runsAsRootAt(stage *dockerfile.Stage, in *dockerfile.Instruction) bool {
	user, known := userAt(stage, in)
	name, _, _ := strings.Cut(user, ":")
	return known && name == "0"
}

// before lists the steps of a stage's file system up to an instruction, those of the stages below it first.
func before(stage *dockerfile.Stage, in *dockerfile.Instruction) []*dockerfile.Instruction {
	return append(steps(stage.Parent), stage.Instructions[:in.Index]...)
}

// official reports whether an image name is one of those, from whatever registry it is mirrored: "golang:1.26",
// "mirror:5000/library/golang@sha256:..".
func official(name string, repositories ...string) bool {
	return slices.Contains(repositories, repository(name))
}

// setAbove is the value that an ENV, or an ARG, gives a variable in a stage above an instruction; set is false if none
// does, known is false if the value is not.
func setAbove(stage *dockerfile.Stage, in *dockerfile.Instruction, name string) (value string, set, known bool) {
	for _, step := range slices.Backward(before(stage, in)) {
		if step.Keyword != "ENV" && step.Keyword != "ARG" {
			continue
		}
		for _, w := range slices.Backward(step.Words) {
			if key, value, has := strings.Cut(w.Value, "="); key == name && (has || step.Keyword == "ARG") {
				return value, true, has && step.Keyword == "ENV" && !strings.Contains(value, "$")
			}
		}
	}
	return "", false, false
}
