package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// Words of a key, as underscores part it, that BuildKit takes for a sign of a secret, and those that clear it
// (getSecretsRegex of dockerfile2llb/validations.go).
var (
	secretWords = []string{"apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"}
	openWords   = []string{"public", "file", "version"}
)

// secretKey is validateNoSecretKey.
func (d *dispatch) secretKey(instruction, key string, k int) {
	words := strings.FieldsFunc(strings.ToLower(key), func(c rune) bool { return c == '_' })
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	if !has(secretWords) || has(openWords) {
		return
	}
	at := d.place(k)
	if !d.trigger {
		at = d.in.keySpan(k)
	}
	d.about(d.in, at)
	rule := &linter.RuleSecretsUsedInArgOrEnv
	d.lint.Run(rule, d.location, rule.Format(instruction, key))
}
