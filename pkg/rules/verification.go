package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var verificationDisabled = &audit.Rule{
	ID:       "verification-disabled",
	Title:    "what is downloaded in the build is not verified",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "GOSUMDB=off, GONOSUMDB=* and GOINSECURE set by ENV, ARG or in a RUN; curl -k, wget --no-check-certificate, git with http.sslVerify=false, apk --allow-untrusted and apt-get --allow-unauthenticated.",
		Why:    "A module or file then is what the network says it is: nobody compares it with what others got, or knows who sent it. go.sum still protects the modules it lists.",
		Unless: "The host is yours, and the way to it is trusted by other means; GOPRIVATE says that for modules, for named paths only.",
	},
	Check: checkVerification,
}

// looseOptions are options that turn verification off, by program.
var looseOptions = map[string][]string{
	"curl":    {"-k", "--insecure", "--proxy-insecure"},
	"wget":    {"--no-check-certificate"},
	"apk":     {"--allow-untrusted"},
	"apt-get": {"--allow-unauthenticated", "--force-yes"},
	"apt":     {"--allow-unauthenticated", "--force-yes"},
}

func checkVerification(p *audit.Pass) {
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		switch in.Keyword {
		case "ENV", "ARG":
			for _, w := range in.Words {
				if key, value, set := strings.Cut(w.Value, "="); set && looseVariable(key, value) {
					reportLoose(p, in, w.Span, key+"="+value)
				}
			}
		case "RUN":
			s := script(in)
			if s == nil {
				return
			}
			for _, c := range s.Commands {
				checkLoose(p, in, c)
			}
		}
	})
}

// looseVariable reports whether a setting turns the verification of modules off (go help environment).
func looseVariable(key, value string) bool {
	switch key {
	case "GOSUMDB":
		return value == "off"
	case "GONOSUMDB", "GOINSECURE":
		return slices.Contains(strings.Split(value, ","), "*") || key == "GOINSECURE" && value != "" && value != "none"
	case "GIT_SSL_NO_VERIFY":
		return value != ""
	}
	return false
}

func checkLoose(p *audit.Pass, in *dockerfile.Instruction, c dockerfile.ShellCommand) {
	for _, a := range c.Assigns {
		if a.Value.Literal && looseVariable(a.Name, a.Value.Value) {
			reportLoose(p, in, in.At(a.Value.Span), a.Name+"="+a.Value.Value)
		}
	}
	name := c.Args[0].Value
	for _, w := range c.Args[1:] {
		key, value, set := strings.Cut(w.Value, "=")
		switch {
		case !w.Literal:
		case slices.Contains(looseOptions[name], w.Value), name == "curl" && shortOption(w.Value, 'k'):
			reportLoose(p, in, in.At(w.Span), name+" "+w.Value)
		case name == "git" && strings.EqualFold(w.Value, "http.sslVerify=false"):
			reportLoose(p, in, in.At(w.Span), "git with "+w.Value)
		case set && (name == "export" || name == "env" || name == "go" && len(c.Args) > 3 && c.Args[1].Value == "env") && looseVariable(key, value):
			reportLoose(p, in, in.At(w.Span), w.Value)
		}
	}
}

// shortOption reports whether a word is a group of short options with c among them, -fsSLk, and no other letter of it
// takes a value.
func shortOption(word string, c byte) bool {
	if len(word) < 2 || word[0] != '-' || word[1] == '-' {
		return false
	}
	return strings.IndexByte(word, c) > 0 && strings.Trim(word[1:], "fgiIkLnqsSvO46") == ""
}

func reportLoose(p *audit.Pass, in *dockerfile.Instruction, at dockerfile.Span, what string) {
	p.Report(p.BlameSpan(in, at).Of(audit.Finding{
		Message:  fmt.Sprintf("%s: what the build downloads is not verified", what),
		Evidence: []audit.Evidence{p.At(in, "%s stands in this %s", what, in.Keyword)},
		Remedy:   "Leave the verification on; name private modules in GOPRIVATE, and give the build the CA certificate it misses",
	}))
}
