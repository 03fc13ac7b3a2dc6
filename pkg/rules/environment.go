package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var environmentMalformed = &audit.Rule{
	ID:       "environment-malformed",
	Title:    "a variable of the Go runtime has a value that it cannot read",
	Severity: audit.Error,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "GOMEMLIMIT must be a number of bytes with an optional B, KiB, MiB, GiB or TiB, or \"off\". GOGC must be a whole number or \"off\", GOMAXPROCS a whole number above 0.",
		Why:    "A malformed GOMEMLIMIT ends every Go program before main: a Kubernetes quantity such as 512Mi is a certain crash loop. GOGC and GOMAXPROCS are ignored without a word.",
		Unless: "The program is not written in Go.",
		Messages: []string{
			"*fatal error: malformed GOMEMLIMIT*",
			"GOMEMLIMIT=*",
		},
	},
	Check: checkEnvironment,
}

func checkEnvironment(p *audit.Pass) {
	if e := p.Entry(); e != nil && e.Go == nil {
		return
	}
	for _, key := range []string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS"} {
		value, set := runtimeEnv(p, key)
		if !set || value == "" || validRuntimeEnv(key, value) {
			continue
		}
		f := audit.Finding{
			Severity: audit.Warning,
			Message:  fmt.Sprintf("%s=%s cannot be read by the Go runtime and is ignored", key, value),
			Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "%s=%s is in the final image's environment", key, value)},
			Remedy:   fmt.Sprintf("Give %s a value that the runtime reads, or remove it", key),
		}
		if p.Image != nil {
			f.Evidence[0].Level = audit.LevelImage
		}
		if key == "GOMEMLIMIT" {
			f.Severity = audit.Error
			f.Message = fmt.Sprintf("GOMEMLIMIT=%s is malformed: the Go runtime ends the program at start", value)
			f.Words = fmt.Sprintf("GOMEMLIMIT=%s\nfatal error: malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`", value)
			f.Remedy = "Write a number of bytes or one with KiB, MiB or GiB; better, set it from the memory limit when deploying"
			f.Fix = memlimitFix(p, value)
		}
		p.Report(envCause(p, key).Of(f))
	}
}

// runtimeEnv is a variable of the final environment: of the image if there is one, else of the Dockerfile.
func runtimeEnv(p *audit.Pass, key string) (string, bool) {
	if p.Image != nil {
		return p.Image.Config.Getenv(key)
	}
	v, ok := dockerfileEnv(p, key)
	return v.Value, ok && v.Known
}

// dockerfileEnv is the ENV of the final stage that sets a variable.
func dockerfileEnv(p *audit.Pass, key string) (dockerfile.EnvVar, bool) {
	if p.Dockerfile == nil || p.Dockerfile.Final() == nil {
		return dockerfile.EnvVar{}, false
	}
	for _, v := range p.Dockerfile.Final().Env {
		if v.Key == key {
			return v, true
		}
	}
	return dockerfile.EnvVar{}, false
}

// validRuntimeEnv follows the runtime's own parsers.
// Source: runtime/mgcpacer.go readGOGC, readGOMEMLIMIT; runtime/string.go parseByteCount; runtime/proc.go schedinit.
func validRuntimeEnv(key, value string) bool {
	switch key {
	case "GOMEMLIMIT":
		return value == "off" || validByteCount(value)
	case "GOGC":
		_, err := strconv.ParseInt(value, 10, 32)
		return value == "off" || err == nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	return err == nil && n > 0
}

var byteCount = lazyregexp.New(`^(\+?[0-9]+)(?:([KMGT])i)?(B?)$`)

func validByteCount(s string) bool {
	m := byteCount.FindStringSubmatch(s)
	if m == nil || m[2] != "" && m[3] == "" {
		return false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[m[2]]
	return err == nil && n <= math.MaxInt64>>shift
}

var binaryQuantity = lazyregexp.New(`^[0-9]+[KMGT]i$`)

// memlimitFix completes a Kubernetes quantity (512Mi) to the runtime's unit (512MiB), which means the same.
func memlimitFix(p *audit.Pass, value string) *audit.Fix {
	v, ok := dockerfileEnv(p, "GOMEMLIMIT")
	fits, _ := p.DockerfileFits()
	if !ok || !fits || !binaryQuantity.MatchString(value) || strings.Trim(p.Dockerfile.Text(v.ValueSpan), `"'`) != value {
		return nil
	}
	at := v.ValueSpan
	return &audit.Fix{
		Title:  fmt.Sprintf("Write GOMEMLIMIT=%sB", value),
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: at, New: strings.Replace(p.Dockerfile.Text(at), value, value+"B", 1)}},
	}
}
