package binary

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"hash/crc32"
	"slices"
)

// Limits of the search for secrets.
const (
	maxSecrets   = 64
	maxSecret    = 8 << 10 // bytes of one; an RSA key of 8192 bits has 6,400
	maxKeyBlocks = 256     // blocks of PEM that are decoded
)

// secretShape is a prefix and what must come after it for a string to be nothing but a secret.
type secretShape struct {
	name   string
	prefix string
	match  func(text []byte) bool // text begins behind the prefix
}

// secretShapes have prefixes that their issuers gave them so that they can be found. A pattern that looks for them, as
// a scanner has it, does not match.
var secretShapes = []secretShape{
	{"AWS access key", "AKIA", isAWSKey},
	{"GitHub token", "ghp_", isChecked}, {"GitHub token", "gho_", isChecked}, {"GitHub token", "ghs_", isChecked},
	{"GitHub token", "ghu_", isChecked}, {"GitHub token", "ghr_", isChecked},
	{"GitHub token", "github_pat_", func(b []byte) bool { return mixed(b, 22) && len(b) > 22 && b[22] == '_' && mixed(b[23:], 59) }},
	{"GitLab token", "glpat-", func(b []byte) bool { return mixed(b, 20) }},
	{"Slack token", "xoxb-", isSlackToken}, {"Slack token", "xoxp-", isSlackToken},
	{"Stripe key", "sk_live_", func(b []byte) bool { return mixed(b, 24) }},
	{"Stripe key", "rk_live_", func(b []byte) bool { return mixed(b, 24) }},
	{"npm token", "npm_", isChecked},
	{"Google API key", "AIza", func(b []byte) bool { return mixed(b, 35) && (len(b) == 35 || !isBase64(b[35])) }},
}

// readSecrets looks at the data of the program once, as far as it can be read. What is in the code is no text.
func (b *Binary) readSecrets(p *program) {
	blocks, set := 0, newPrefixSet()
	for _, part := range p.m.data(p.fns.table) {
		b.searchSecrets(p.m, set, part, &blocks)
	}
	slices.SortFunc(b.Secrets, func(x, y Secret) int { return cmp.Compare(x.Offset, y.Offset) })
}

// searchSecrets looks at a part of the data; blocks counts the blocks of PEM that were decoded.
func (b *Binary) searchSecrets(m *memory, set *prefixSet, part span, blocks *int) {
	base := m.fileOffset(part.start)
	// What cannot be read holds no secret that the program could use.
	_ = m.walk(part.start, part.end-part.start, maxSecret, func(address uint64, text []byte, n int) {
		at := base + int64(address-part.start)
		set.each(text, n, func(i int) {
			for _, s := range secretShapes {
				if bytes.HasPrefix(text[i:], []byte(s.prefix)) && s.match(text[i+len(s.prefix):]) {
					b.addSecret(s.name, at+int64(i))
				}
			}
			if *blocks < maxKeyBlocks && bytes.HasPrefix(text[i:], []byte(pemBegin)) {
				*blocks++
				if shape := privateKey(text[i:min(len(text), i+maxSecret)]); shape != "" {
					b.addSecret(shape, at+int64(i))
				}
			}
		})
	})
}

// prefixSet finds what may be one of several prefixes in one pass over a text. Of four bytes one of the first three
// pairs stands at a multiple of three, wherever they are: so every third pair is looked at, and few are in the set.
type prefixSet struct {
	pairs  bitset   // the pairs of bytes in the prefixes, 8 KiB
	begins []uint32 // the first four bytes of the prefixes
}

// newPrefixSet takes the prefixes of all secrets; each has four bytes or more.
func newPrefixSet() *prefixSet {
	s := &prefixSet{pairs: newBitset(1<<16 - 1)}
	s.add(pemBegin)
	for _, shape := range secretShapes {
		s.add(shape.prefix)
	}
	return s
}

func (s *prefixSet) add(prefix string) {
	for i := range 3 {
		s.pairs.set(uint64(binary.LittleEndian.Uint16([]byte(prefix[i:]))))
	}
	s.begins = append(s.begins, binary.LittleEndian.Uint32([]byte(prefix)))
}

// each calls see with the places before n at which the first four bytes of a prefix stand, ascending.
func (s *prefixSet) each(text []byte, n int, see func(i int)) {
	for i := 0; i < n+2 && i+2 <= len(text); i += 3 {
		if !s.pairs.has(uint64(binary.LittleEndian.Uint16(text[i:]))) {
			continue
		}
		for start := max(i-2, 0); start <= i && start < n && start+4 <= len(text); start++ {
			if slices.Contains(s.begins, binary.LittleEndian.Uint32(text[start:])) {
				see(start)
			}
		}
	}
}

func (b *Binary) addSecret(shape string, offset int64) {
	if len(b.Secrets) < maxSecrets {
		b.Secrets = append(b.Secrets, Secret{Shape: shape, Offset: offset})
	}
}

const pemBegin = "-----BEGIN "

// privateKey returns the shape of a private key in PEM that text begins with, "" if it is none or is encrypted. JSON
// writes the ends of its lines as \n, as in the key of a Google service account.
func privateKey(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("-----\n"))
	escaped, _, _ := bytes.Cut(text, []byte(`-----\n`))
	shape := "private key"
	if len(escaped) < len(line) {
		line, shape = escaped, "private key in JSON"
		text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))
	}
	if len(line) > 64 || !bytes.HasSuffix(line, []byte("PRIVATE KEY")) {
		return ""
	}
	block, _ := pem.Decode(text)
	if block == nil || !bytes.HasSuffix(line, []byte(block.Type)) || len(block.Headers) > 0 || !isKey(block.Bytes) {
		return ""
	}
	return shape
}

// isKey says whether bytes are a private key that can be read without a password.
func isKey(der []byte) bool {
	const openSSH = "openssh-key-v1\x00\x00\x00\x00\x04none" // cipher "none"; PROTOCOL.key of OpenSSH
	if bytes.HasPrefix(der, []byte(openSSH)) {
		return true
	}
	_, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		_, err = x509.ParseECPrivateKey(der)
	}
	if err != nil {
		_, err = x509.ParsePKCS1PrivateKey(der)
	}
	return err == nil
}

// isAWSKey says whether text begins with the sixteen letters and digits of base32, at least two of them digits. Those
// of the documentation say EXAMPLE.
func isAWSKey(text []byte) bool {
	const length = 16
	if len(text) < length || bytes.Contains(text[:length], []byte("EXAMPLE")) {
		return false
	}
	digits := 0
	for _, c := range text[:length] {
		switch {
		case c >= '2' && c <= '7':
			digits++
		case c < 'A' || c > 'Z':
			return false
		}
	}
	return digits >= 2
}

// isChecked says whether text begins with thirty letters and digits and their CRC-32, in six digits to the base 62.
// Source: github.blog, "Behind GitHub's new authentication token formats"; npm took them over.
func isChecked(text []byte) bool {
	const length, digits = 30, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if !mixed(text, length+6) {
		return false
	}
	sum := crc32.ChecksumIEEE(text[:length])
	for i := length + 5; i >= length; i-- {
		if text[i] != digits[sum%62] {
			return false
		}
		sum /= 62
	}
	return true
}

// isSlackToken says whether text begins with two numbers of ten to thirteen digits and a text of 24, with dashes
// between them.
func isSlackToken(text []byte) bool {
	for range 2 {
		n := 0
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		if n < 10 || n > 13 || n == len(text) || text[n] != '-' {
			return false
		}
		text = text[n+1:]
	}
	return mixed(text, 24)
}

// mixed says whether text begins with n letters, digits, underscores and dashes: capitals, small letters and digits
// among them, and at least n/3 different ones, as chance makes it and no person.
func mixed(text []byte, n int) bool {
	if len(text) < n {
		return false
	}
	var upper, lower, digit bool
	seen := map[byte]bool{}
	for _, c := range text[:n] {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9':
			digit = true
		case c != '_' && c != '-':
			return false
		}
		seen[c] = true
	}
	return upper && lower && digit && len(seen) >= n/3
}

// isBase64 says whether a byte is one of the digits of base64.
func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' || c == '_' || c == '-'
}
