package dockerfile

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// platformPart is what each part of a platform must look like (github.com/containerd/platforms).
const platformPart = `^[A-Za-z0-9_.-]+$`

var platformForm = lazyregexp.New(platformPart)

// checkPlatform refuses what can be no platform, in BuildKit's words.
func checkPlatform(raw, value string) error {
	if value == "" {
		return fmt.Errorf("empty platform value from expression %s", raw)
	}
	for _, part := range strings.Split(value, "/") {
		if !platformForm.MatchString(part) {
			return fmt.Errorf("failed to parse platform %s: %q is an invalid component of %q: platform specifier component must match %q: invalid argument",
				raw, part, value, platformPart)
		}
	}
	if _, _, ok := parsePlatform(value); !ok && !strings.Contains(value, "/") {
		return fmt.Errorf("failed to parse platform %s: %q: unknown operating system or architecture: invalid argument", raw, value)
	}
	return nil
}

// predefined gives the ARGs that BuildKit defines before the first line, as defaultArgs in dockerfile2llb/platform.go
// does. The machine that builds is not known here; like BuildKit without a list of workers we take it to be the target.
func predefined(opt Options, target string) [][2]string {
	platform := opt.Platform
	if platform == "" {
		platform = "linux/amd64"
	}
	parts := append(strings.SplitN(platform, "/", 3), "", "")
	os, arch, variant := normalise(parts[0], parts[1], parts[2])
	platform = strings.TrimRight(os+"/"+arch+"/"+variant, "/")
	if target == "" {
		target = "default"
	}
	args := [][2]string{
		{"BUILDPLATFORM", platform}, {"BUILDOS", os}, {"BUILDOSVERSION", ""}, {"BUILDARCH", arch}, {"BUILDVARIANT", variant},
		{"TARGETPLATFORM", platform}, {"TARGETOS", os}, {"TARGETOSVERSION", ""}, {"TARGETARCH", arch}, {"TARGETVARIANT", variant},
		{"TARGETSTAGE", target},
	}
	for k := range args {
		if v, ok := opt.BuildArgs[args[k][0]]; ok {
			args[k][1] = v
		}
	}
	return args
}

// normalise gives the names that images use, after the database of github.com/containerd/platforms: arm64 has no v8, arm
// is v7 unless it says otherwise.
func normalise(os, arch, variant string) (string, string, string) {
	os, arch, variant = strings.ToLower(os), strings.ToLower(arch), strings.ToLower(variant)
	switch arch {
	case "x86_64", "x86-64":
		arch = "amd64"
	case "aarch64":
		arch = "arm64"
	case "armhf":
		arch, variant = "arm", "v7"
	case "armel":
		arch, variant = "arm", "v6"
	case "i386", "i686":
		arch = "386"
	}
	switch {
	case arch == "arm64" && (variant == "v8" || variant == "8"), arch == "amd64" && variant == "v1":
		variant = ""
	case arch == "arm" && (variant == "" || variant == "7"):
		variant = "v7"
	case arch == "arm" && (variant == "5" || variant == "6" || variant == "8"):
		variant = "v" + variant
	}
	return os, arch, variant
}
