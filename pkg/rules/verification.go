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
		Checks: "GOSUMDB=off, GONOSUMDB=*, GOINSECURE and GOFLAGS=-insecure set by ENV, ARG or in a RUN, and what turns off TLS for git, node, npm, pip and python; curl -k, wget --no-check-certificate, git with http.sslVerify=false, apk --allow-untrusted, apt-get --allow-unauthenticated and package sources that are [trusted=yes]. Downloads by curl, wget or ADD that the build runs or unpacks without a checksum or signature: a note over https, a warning over http.",
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
	"pip":     {"--trusted-host"},
	"pip3":    {"--trusted-host"},
	"npm":     {"--strict-ssl=false", "--no-strict-ssl"},
	"go":      {"-insecure"},
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
			s := in.Script()
			if s == nil {
				return
			}
			for _, c := range s.Commands {
				checkLoose(p, in, c)
			}
			checkDownloads(p, in, s)
		case "ADD":
			checkRemoteAdd(p, in)
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
		return value != "" && value != "0" && !strings.EqualFold(value, "false")
	case "GOFLAGS":
		return slices.Contains(strings.Fields(value), "-insecure")
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY":
		return value == "0"
	case "PIP_TRUSTED_HOST":
		return value != ""
	case "NPM_CONFIG_STRICT_SSL", "npm_config_strict_ssl":
		return value == "false"
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
	for k, w := range c.Args[1:] {
		key, value, set := strings.Cut(w.Value, "=")
		switch {
		case !w.Literal:
		case slices.Contains(looseOptions[name], w.Value), name == "curl" && shortOption(w.Value, 'k'):
			reportLoose(p, in, in.At(w.Span), name+" "+w.Value)
		case strings.Contains(w.Value, "[trusted=yes]"):
			reportLoose(p, in, in.At(w.Span), "[trusted=yes]")
		case (name == "git" || name == "npm" || name == "yarn") && k+1 < len(c.Args[1:]) && setsLoose(w.Value, c.Args[k+2].Value):
			reportLoose(p, in, in.At(w.Span), name+" with "+w.Value+" "+c.Args[k+2].Value)
		case name == "git" && strings.EqualFold(w.Value, "http.sslVerify=false"):
			reportLoose(p, in, in.At(w.Span), "git with "+w.Value)
		case set && (name == "export" || name == "env" || name == "go" && len(c.Args) > 3 && c.Args[1].Value == "env") && looseVariable(key, value):
			reportLoose(p, in, in.At(w.Span), w.Value)
		}
	}
}

// setsLoose reports whether a setting of git or npm turns TLS verification off.
func setsLoose(name, value string) bool {
	return (strings.EqualFold(name, "http.sslVerify") || name == "strict-ssl") && value == "false"
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
