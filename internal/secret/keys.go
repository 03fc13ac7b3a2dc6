package secret

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// privateKey is a private key in PEM (RFC 7468, or RFC 1421 as OpenSSL writes it) that can be read without a password,
// indented or not. JSON writes the ends of its lines as \n, as in the file of a Google service account. It looks no
// further than the next five dashes, so that a text of nothing but beginnings is looked at once.
func privateKey(text []byte, at int) (string, int) {
	const begin, dashes, end = "-----BEGIN ", "-----", "-----END "
	text = text[at:min(len(text), at+Reach)]
	kind, behind, ok := bytes.Cut(text[len(begin):], []byte(dashes))
	if !ok || len(kind) > 64 || !bytes.HasSuffix(kind, []byte("PRIVATE KEY")) {
		return "", 0
	}
	body, _, ok := bytes.Cut(behind, []byte(dashes))
	if !ok || !bytes.HasPrefix(behind[len(body):], []byte(end+string(kind)+dashes)) {
		return "", 0
	}
	size := len(begin) + len(kind) + len(dashes) + len(body) + len(end) + len(kind) + len(dashes)
	shape := PrivateKey
	if bytes.HasPrefix(body, []byte(`\n`)) || bytes.HasPrefix(body, []byte(`\r`)) {
		shape, body = PrivateKeyJSON, escapedEnds().ReplaceAll(body, nil)
	}
	der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(body), nil)))
	if err != nil || !isKey(der) { // a header, "Proc-Type: 4,ENCRYPTED", is no base64
		return "", 0
	}
	return shape, size
}

var escapedEnds = lazily(`\\[nr]`)

// isKey says whether bytes are a private key that can be read without a password. Source of the SSH key's beginning,
// with the cipher "none": OpenSSH, PROTOCOL.key.
func isKey(der []byte) bool {
	if bytes.HasPrefix(der, []byte("openssh-key-v1\x00\x00\x00\x00\x04none")) {
		return true
	}
	const shortest = 40
	if len(der) < shortest || der[0] != 0x30 { // a SEQUENCE
		return false
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

// puttyKey is a key file of PuTTY that is not encrypted. Source: PuTTY's manual, appendix C, "PPK file format".
func puttyKey(text []byte, at int) (string, int) {
	text = text[at:min(len(text), at+Reach)]
	lines := strings.SplitN(strings.ReplaceAll(string(text[:min(len(text), 512)]), "\r", ""), "\n", 4)
	if len(lines) < 4 || lines[1] != "Encryption: none" || !bytes.Contains(text[:min(len(text), 4<<10)], []byte("\nPrivate-Lines: ")) {
		return "", 0
	}
	return "PuTTY private key", len(lines[0])
}

// ageKey is a key of age: 52 digits of Bech32 and a checksum of six. Sources: age-encryption.org/v1, "X25519 recipient
// stanza"; BIP 173.
func ageKey(text []byte, at int) (string, int) {
	const prefix, digits = "AGE-SECRET-KEY-", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	const length = len(prefix) + 1 + 58
	if len(text) < at+length {
		return "", 0
	}
	var values []byte
	for _, c := range strings.ToLower(prefix) {
		values = append(values, byte(c)>>5)
	}
	values = append(values, 0)
	for _, c := range strings.ToLower(prefix) {
		values = append(values, byte(c)&31)
	}
	for _, c := range text[at+len(prefix)+1 : at+length] {
		d := strings.IndexByte(digits, c)
		if d < 0 {
			return "", 0
		}
		values = append(values, byte(d))
	}
	if polymod(values) != 1 {
		return "", 0
	}
	return "age key", length
}

// polymod is the checksum of BIP 173.
func polymod(values []byte) uint32 {
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}
