package policy

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// meaning is what another program's code means here.
type meaning struct {
	rules []string
	// whole is true where a rule of ours reports every case that the code is about, so that a waiver of the code without
	// a finding of ours is of no use to the other program either.
	whole bool
}

// meaningOf translates a name in a waiver comment. Codes that mean none of our rules are left alone.
func meaningOf(style dockerfile.WaiverStyle, name string) meaning {
	switch style {
	case dockerfile.StyleImgaudit:
		return meaning{rules: []string{name}, whole: true}
	case dockerfile.StyleBuildKit:
		return meaning{rules: buildkitMeaning(name)}
	case dockerfile.StyleHadolint:
		return hadolintMeaning[name]
	case dockerfile.StyleTally:
		return tallyMeaning(name)
	case dockerfile.StyleTrivy:
		return meaning{rules: trivyMeaning[trivyNumber(name)]}
	case dockerfile.StyleCheckov:
		return meaning{rules: checkovMeaning[strings.ToUpper(name)]}
	}
	return meaning{}
}

// hadolintMeaning maps hadolint's codes, each with the fault in hadolint's README, to the rules of the same fault.
var hadolintMeaning = map[string]meaning{
	"DL3000": {rules: []string{"workdir-relative", "buildkit/WorkdirRelativePath"}},                    // WORKDIR is not absolute
	"DL3002": {rules: []string{"runs-as-root"}},                                                        // the last user is root
	"DL3006": {rules: []string{"base-unpinned"}, whole: true},                                          // an image without a tag
	"DL3007": {rules: []string{"base-unpinned"}, whole: true},                                          // an image tagged latest
	"DL3008": {rules: []string{"packages-unpinned"}},                                                   // apt-get install without versions
	"DL3009": {rules: []string{"package-lists-kept"}},                                                  // apt-get's lists stay
	"DL3012": {rules: []string{"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}},    // two HEALTHCHECK
	"DL3018": {rules: []string{"packages-unpinned"}},                                                   // apk add without versions
	"DL3019": {rules: []string{"package-lists-kept"}},                                                  // apk add without --no-cache
	"DL3020": {rules: []string{"add-instead-of-copy"}},                                                 // ADD of files and directories
	"DL3024": {rules: []string{"buildkit/DuplicateStageName"}},                                         // two stages of one name
	"DL3025": {rules: []string{"shell-form", "buildkit/JSONArgsRecommended"}},                          // CMD or ENTRYPOINT in shell form
	"DL3029": {rules: []string{"buildkit/FromPlatformFlagConstDisallowed"}},                            // FROM --platform
	"DL3032": {rules: []string{"package-lists-kept"}},                                                  // yum without clean all
	"DL3033": {rules: []string{"packages-unpinned"}},                                                   // yum install without versions
	"DL3036": {rules: []string{"package-lists-kept"}},                                                  // zypper without clean
	"DL3037": {rules: []string{"packages-unpinned"}},                                                   // zypper install without versions
	"DL3040": {rules: []string{"package-lists-kept"}},                                                  // dnf without clean all
	"DL3041": {rules: []string{"packages-unpinned"}},                                                   // dnf install without versions
	"DL3063": {rules: []string{"buildkit/ReservedStageName"}},                                          // a stage with a reserved name
	"DL3064": {rules: []string{"secret-in-build", "buildkit/SecretsUsedInArgOrEnv"}},                   // a secret in ARG or ENV
	"DL3065": {rules: []string{"buildkit/RedundantTargetPlatform"}},                                    // --platform=$TARGETPLATFORM
	"DL3066": {rules: []string{"user-not-numeric"}},                                                    // USER by name
	"DL3067": {rules: []string{"copy-too-wide"}},                                                       // COPY --from of a whole root
	"DL4000": {rules: []string{"maintainer-deprecated", "buildkit/MaintainerDeprecated"}, whole: true}, // MAINTAINER
	"DL4003": {rules: []string{"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}},    // two CMD
	"DL4004": {rules: []string{"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}},    // two ENTRYPOINT
	"DL4006": {rules: []string{"failure-hidden"}},                                                      // a pipe without pipefail
}

// buildkitTwins are our rules that say of the same line what a check of BuildKit says.
var buildkitTwins = map[string][]string{
	"CopyIgnoredFile":                {"does-not-build"},
	"JSONArgsRecommended":            {"shell-form"},
	"MaintainerDeprecated":           {"maintainer-deprecated"},
	"MultipleInstructionsDisallowed": {"duplicate-instruction"},
	"SecretsUsedInArgOrEnv":          {"secret-in-build"},
	"UndefinedArgInFrom":             {"arg-out-of-scope"},
	"UndefinedVar":                   {"arg-out-of-scope"},
	"WorkdirRelativePath":            {"workdir-relative"},
}

func buildkitMeaning(name string) []string {
	return append([]string{"buildkit/" + name}, buildkitTwins[name]...)
}

// tallyMeaning reads tally's names: its own are left alone, the others are hadolint's and BuildKit's with their origin
// before a slash or without.
func tallyMeaning(name string) meaning {
	origin, rest, ok := strings.Cut(name, "/")
	if !ok {
		origin, rest = "", name
	}
	if m := hadolintMeaning[rest]; (origin == "" || origin == "hadolint") && m.rules != nil {
		return meaning{rules: m.rules}
	}
	if origin == "buildkit" || origin == "" && slices.Contains(buildkitNames, rest) {
		return meaning{rules: buildkitMeaning(rest)}
	}
	return meaning{}
}

// buildkitNames are BuildKit's checks. Source: frontend/dockerfile/linter/ruleset.go of v0.34.1.
var buildkitNames = []string{"ConsistentInstructionCasing", "CopyIgnoredFile", "DuplicateStageName", "ExposeInvalidFormat", "ExposeProtoCasing",
	"FromAsCasing", "FromPlatformFlagConstDisallowed", "InvalidBaseImagePlatform", "InvalidDefaultArgInFrom", "InvalidDefinitionDescription",
	"JSONArgsRecommended", "LegacyKeyValueFormat", "MaintainerDeprecated", "MultipleInstructionsDisallowed", "NoEmptyContinuation",
	"RedundantTargetPlatform", "ReservedStageName", "SecretsUsedInArgOrEnv", "StageNameCasing", "UndefinedArgInFrom", "UndefinedVar", "WorkdirRelativePath"}

// trivyMeaning maps the numbers of trivy's checks. Source: checks/docker of trivy-checks.
var trivyMeaning = map[string][]string{
	"0001": {"base-unpinned"},                                                    // latest tag
	"0002": {"runs-as-root"},                                                     // the last user is root, or there is none
	"0005": {"add-instead-of-copy"},                                              // ADD
	"0007": {"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}, // two ENTRYPOINT
	"0009": {"workdir-relative", "buildkit/WorkdirRelativePath"},                 // WORKDIR is not absolute
	"0012": {"buildkit/DuplicateStageName"},                                      // two stages of one name
	"0015": {"package-lists-kept"},                                               // yum without clean all
	"0016": {"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}, // two CMD
	"0019": {"package-lists-kept"},                                               // dnf without clean all
	"0020": {"package-lists-kept"},                                               // zypper without clean
	"0022": {"maintainer-deprecated", "buildkit/MaintainerDeprecated"},           // MAINTAINER
	"0023": {"duplicate-instruction", "buildkit/MultipleInstructionsDisallowed"}, // two HEALTHCHECK
	"0025": {"package-lists-kept"},                                               // apk add without --no-cache
	"0031": {"secret-in-build", "buildkit/SecretsUsedInArgOrEnv"},                // a secret in ARG or ENV
}

// trivyNumber is the number in the spellings DS002, DS-0002 and AVD-DS-0002, of whatever case; "" for another check's.
func trivyNumber(id string) string {
	number, ok := strings.CutPrefix(strings.TrimPrefix(strings.ToUpper(id), "AVD-"), "DS")
	number = strings.TrimPrefix(number, "-")
	if !ok || len(number) < 3 || len(number) > 4 {
		return ""
	}
	return strings.Repeat("0", 4-len(number)) + number
}

// checkovMeaning maps checkov's IDs. Source: its policy index for Dockerfiles.
var checkovMeaning = map[string][]string{
	"CKV_DOCKER_3":  {"runs-as-root"},                                           // no user was made
	"CKV_DOCKER_4":  {"add-instead-of-copy"},                                    // ADD
	"CKV_DOCKER_6":  {"maintainer-deprecated", "buildkit/MaintainerDeprecated"}, // MAINTAINER
	"CKV_DOCKER_7":  {"base-unpinned"},                                          // latest tag
	"CKV_DOCKER_8":  {"runs-as-root"},                                           // the last user is root
	"CKV_DOCKER_10": {"workdir-relative", "buildkit/WorkdirRelativePath"},       // WORKDIR is not absolute
	"CKV_DOCKER_11": {"buildkit/DuplicateStageName"},                            // two stages of one name
}
