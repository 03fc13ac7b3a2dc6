package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/util/suggest"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// BuildKit picks its "did you mean" out of a Go map, so that of two equally near words it names now one and now the
// other. Here the same words are searched in order.
var (
	suggested  = lazyregexp.New(` \(did you mean .*\?\)$`)
	misspelt   = lazyregexp.New(`^(unknown instruction: |unknown flag: --|unsupported mount type "|unsupported sharing value "|unexpected key ')([^'"]*)`)
	mountTypes = []string{"bind", "cache", "secret", "ssh", "tmpfs"}
	mountModes = []string{"locked", "private", "shared"}
	mountKeys  = []string{
		"destination", "dst", "env", "from", "gid", "id", "mode", "readonly", "readwrite", "required", "ro", "rw", "sharing",
		"size", "source", "src", "target", "type", "uid",
	}
	// flagNames are the flags of each instruction (frontend/dockerfile/instructions/parse.go).
	flagNames = map[string][]string{
		"ADD":         {"checksum", "chmod", "chown", "exclude", "keep-git-dir", "link", "unpack"},
		"COPY":        {"chmod", "chown", "exclude", "from", "link", "parents"},
		"FROM":        {"platform"},
		"HEALTHCHECK": {"interval", "retries", "start-interval", "start-period", "timeout"},
		"RUN":         {"device", "mount", "network", "security"},
	}
)

// respell replaces the suggestion at the end of one of BuildKit's messages about an instruction.
func respell(message, keyword string) string {
	at := suggested.FindStringIndex(message)
	if at == nil {
		return message
	}
	message = message[:at[0]]
	m := misspelt.FindStringSubmatch(message)
	if m == nil {
		return message
	}
	var options []string
	switch what := m[1]; {
	case strings.HasPrefix(what, "unknown instruction"):
		for name := range command.Commands {
			options = append(options, strings.ToUpper(name))
		}
		slices.Sort(options)
	case strings.HasPrefix(what, "unknown flag"):
		options = flagNames[keyword]
	case strings.HasPrefix(what, "unsupported mount"):
		options = mountTypes
	case strings.HasPrefix(what, "unsupported sharing"):
		options = mountModes
	default:
		options = mountKeys
	}
	if match, ok := suggest.Search(m[2], options, !strings.HasPrefix(m[1], "unknown instruction")); ok {
		message += " (did you mean " + match + "?)"
	}
	return message
}
