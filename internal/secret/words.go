package secret

import (
	"regexp"
	"strings"
	"sync"
)

// lazily compiles an expression when it is first asked for: every command would compile them at its start, and most runs
// need none.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

var (
	secretWords   = lazily(`(^|_)(PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|APIKEY|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|CREDENTIALS?)$`)
	harmlessValue = lazily(`^(\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|true|false|yes|no|none|0|1|/.*|https?://[^@]*)$`)
	placeholder   = lazily(`(?i)^(<.*>|change[_-]?(me|it|this).*|replace[_-]?me.*|place[_-]?holder|your[_-].*|example|dummy|todo|x{3,}|\*{3,})$`)
	urlPassword   = lazily(`\b[a-z][a-z0-9+.-]*://[^/\s:@$"']+:[^/\s:@$"'{]+@[^/\s]`)
)

// Named reports whether a variable's name says that its value is a secret. A name that ends in _FILE, _PATH, _ALIAS or
// _NAME holds no secret itself, and a public key is none.
func Named(name string) bool {
	name = strings.ToUpper(name)
	return secretWords().MatchString(name) && !strings.Contains(name, "PUBLIC")
}

// Real reports whether a value is more than empty, a reference to another variable, a switch or a path.
func Real(value string) bool {
	value = strings.Trim(value, `"'`)
	return value != "" && !harmlessValue().MatchString(value)
}

// Placeholder reports whether a value only marks where the secret goes.
func Placeholder(value string) bool {
	return placeholder().MatchString(strings.Trim(strings.TrimSpace(value), `"'`))
}

// InWords returns the shape of the first secret in a text that a person wrote for a builder or a program: a shape of the
// table, or a password in a URL. "" if there is none.
func InWords(text string) string {
	if shape := In(text); shape != "" {
		return shape
	}
	for _, found := range urlPassword().FindAllString(text, -1) {
		if !knownURL(found) {
			return URLPassword
		}
	}
	return ""
}

// knownURL reports whether the password of a URL is a default that everybody knows or a placeholder:
// postgres://postgres:postgres@db.
func knownURL(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	user, rest, _ := strings.Cut(rest, ":")
	password, _, _ := strings.Cut(rest, "@")
	return password == user || password == "password" || password == "pass" || Placeholder(password)
}
