package secret

import (
	"bytes"
	"encoding/base64"
	"hash/crc32"
	"strings"
)

// What the shapes rest on: issuers give their tokens prefixes so that they can be found, and some a checksum. A pattern
// that looks for them, as a scanner has it, does not match. Sources: each issuer's documentation of its tokens; for the
// checksum of GitHub, which npm took over, github.blog "Behind GitHub's new authentication token formats".

// The names of the shapes that callers tell apart.
const (
	PrivateKey     = "private key"
	PrivateKeyJSON = "private key in JSON" // as in the file of a Google service account
	AWSKey         = "AWS access key"      // with its secret
	AWSKeyID       = "AWS access key ID"   // alone: it names an account and opens nothing
	GoogleKey      = "Google API key"
	Variable       = "variable that is a secret by its name"
	URLPassword    = "password in a URL"
)

// anchors is the table. The longest anchors are the rarest; pair points at the rarest letters.
var anchors = []*anchor{
	{text: "-----BEGIN ", pair: 6, match: privateKey},
	{text: "PuTTY-User-Key-File-", pair: 2, match: puttyKey},
	{text: "AGE-SECRET-KEY-1", pair: 2, match: ageKey},
	{text: "AKIA", pair: 0, match: awsKey},
	{text: "ASIA", pair: 0, match: awsKey},
	token("GitHub token", "ghp_", 0, 0, checked), token("GitHub token", "gho_", 0, 0, checked), token("GitHub token", "ghs_", 0, 0, checked),
	token("GitHub token", "ghu_", 0, 0, checked), token("GitHub token", "ghr_", 0, 0, checked),
	token("GitHub token", "github_pat_", 5, 0, githubPAT),
	token("GitLab token", "glpat-", 0, 0, mixed(20)),
	token("GitLab deploy token", "gldt-", 1, 0, mixed(20)),
	token("GitLab runner token", "glrt-", 0, 0, mixed(20)),
	token("npm token", "npm_", 0, 0, checked),
	token("PyPI token", "pypi-AgEIcHlwaS5vcmc", 5, 0, mixed(50)),
	token("Docker Hub token", "dckr_pat_", 1, 0, mixed(27)),
	token("Slack token", "xoxb-", 0, 0, slack), token("Slack token", "xoxp-", 0, 0, slack),
	token("Slack webhook", "hooks.slack.com/services/T", 4, 0, slackHook),
	token("Stripe key", "sk_live_", 1, 0, mixed(24)),
	token("Stripe key", "rk_live_", 1, 0, mixed(24)),
	token(GoogleKey, "AIza", 0, 35, mixed(35)),
	token("Google OAuth client secret", "GOCSPX-", 2, 28, mixed(28)),
	token("DigitalOcean token", "dop_v1_", 3, 64, hex(64)),
	token("HashiCorp Vault token", "hvs.CAES", 0, 0, mixed(80)),
	token("Azure storage key", "AccountKey=", 5, 0, azure),
	token("Anthropic key", "sk-ant-api", 5, 0, mixed(80)),
}

// longestAnchor is the length of the longest anchor.
var longestAnchor = func() int {
	n := 0
	for _, a := range anchors {
		n = max(n, len(a.text))
	}
	return n
}()

// token is an anchor at the beginning of a token. body returns how many bytes behind the anchor belong to it, 0 if it
// is none. With exact above 0, no digit of base64 may follow those bytes.
func token(name, text string, pair, exact int, body func([]byte) int) *anchor {
	return &anchor{text: text, pair: pair, match: func(in []byte, at int) (string, int) {
		rest := in[at+len(text):]
		n := body(rest)
		if n == 0 || exact > 0 && len(rest) > exact && isBase64(rest[exact]) {
			return "", 0
		}
		return name, len(text) + n
	}}
}

// awsKey is an access key ID: the sixteen letters and digits of base32, at least two of them digits. Those of the
// documentation say EXAMPLE. With the secret access key near it, forty digits of base64, it opens the account. Keys of
// ASIA are good for hours and only with theirs.
func awsKey(text []byte, at int) (string, int) {
	const length, near = 20, 256
	if len(text) < at+length || at > 0 && isCapital(text[at-1]) || len(text) > at+length && isCapital(text[at+length]) {
		return "", 0
	}
	id, digits := text[at:at+length], 0
	for _, c := range id[4:] {
		switch {
		case c >= '2' && c <= '7':
			digits++
		case c < 'A' || c > 'Z':
			return "", 0
		}
	}
	if digits < 2 || bytes.Contains(id, []byte("EXAMPLE")) {
		return "", 0
	}
	around := text[max(0, at-near):min(len(text), at+length+near)]
	for i, run := 0, 0; i <= len(around); i++ {
		if i < len(around) && isBase64(around[i]) && around[i] != '=' {
			run++
			continue
		}
		if word := around[i-run : i]; run == 40 && mixed(40)(word) > 0 && !bytes.Contains(word, []byte("EXAMPLE")) && !isHex(word) {
			return AWSKey, length
		}
		run = 0
	}
	if id[1] == 'S' {
		return "", 0
	}
	return AWSKeyID, length
}

// checked is thirty letters and digits and their CRC-32, in six digits to the base 62.
func checked(b []byte) int {
	const length, digits = 30, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if mixed(length+6)(b) == 0 {
		return 0
	}
	sum := crc32.ChecksumIEEE(b[:length])
	for i := length + 5; i >= length; i-- {
		if b[i] != digits[sum%62] {
			return 0
		}
		sum /= 62
	}
	return length + 6
}

// githubPAT is 22 letters and digits, an underscore, and 59.
func githubPAT(b []byte) int {
	if len(b) < 82 || mixed(22)(b) == 0 || b[22] != '_' || mixed(59)(b[23:]) == 0 {
		return 0
	}
	return 82
}

// slack is two numbers of ten to thirteen digits and a text of 24, with dashes between them.
func slack(b []byte) int {
	at := 0
	for range 2 {
		n := 0
		for at+n < len(b) && b[at+n] >= '0' && b[at+n] <= '9' {
			n++
		}
		if n < 10 || n > 13 || at+n == len(b) || b[at+n] != '-' {
			return 0
		}
		at += n + 1
	}
	if mixed(24)(b[at:]) == 0 {
		return 0
	}
	return at + 24
}

// slackHook is the rest of T.../B.../ and 24 letters and digits.
func slackHook(b []byte) int {
	parts := strings.SplitN(string(b[:min(len(b), 64)]), "/", 3)
	if len(parts) < 3 || len(parts[0]) < 8 || !strings.HasPrefix(parts[1], "B") || len(parts[1]) < 8 || mixed(24)([]byte(parts[2])) == 0 {
		return 0
	}
	return len(parts[0]) + len(parts[1]) + 2 + 24
}

// azure is 64 bytes in base64. The key of the emulator is the same on every machine.
func azure(b []byte) int {
	const length, emulator = 88, "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
	if len(b) < length || string(b[:length]) == emulator {
		return 0
	}
	raw, err := base64.StdEncoding.DecodeString(string(b[:length]))
	if err != nil || len(raw) != 64 || distinct(b[:length]) < 30 {
		return 0
	}
	return length
}

// mixed is n digits of base64 (in either alphabet): capitals, small letters and digits among them, and at least n/3
// different ones, at most 20, as chance makes it and no person.
func mixed(n int) func([]byte) int {
	return func(b []byte) int {
		if len(b) < n {
			return 0
		}
		var upper, lower, digit bool
		for _, c := range b[:n] {
			switch {
			case c >= 'A' && c <= 'Z':
				upper = true
			case c >= 'a' && c <= 'z':
				lower = true
			case c >= '0' && c <= '9':
				digit = true
			case !isBase64(c) || c == '=':
				return 0
			}
		}
		if !upper || !lower || !digit || distinct(b[:n]) < min(n/3, 20) || counts(b[:n]) {
			return 0
		}
		return n
	}
}

// hex is n hexadecimal digits as chance makes them.
func hex(n int) func([]byte) int {
	return func(b []byte) int {
		if len(b) < n || !isHex(b[:n]) || distinct(b[:n]) < 10 || counts(b[:n]) {
			return 0
		}
		return n
	}
}

// counts says whether the text holds eight characters in their order, 01234567 or abcdefgh: a person wrote it, to show
// what such a token looks like.
func counts(b []byte) bool {
	run := 1
	for i := 1; i < len(b); i++ {
		if b[i] == b[i-1]+1 {
			run++
		} else {
			run = 1
		}
		if run == 8 {
			return true
		}
	}
	return false
}

func distinct(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// isCapital says whether a byte may stand in an access key ID.
func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }

// isWord says whether a byte is a letter or a digit.
func isWord(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// isBase64 says whether a byte is one of the digits of base64, of either alphabet.
func isBase64(c byte) bool {
	return isWord(c) || c == '+' || c == '/' || c == '=' || c == '_' || c == '-'
}
