package secret_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/secret"
)

// Tokens are made when the test runs: none stands in a file of this project.

var chance = mathrand.New(mathrand.NewPCG(1, 2))

// random is a text of n different-looking letters and digits.
func random(n int) string {
	const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := []byte("aZ7")
	for len(b) < n {
		b = append(b, digits[chance.IntN(len(digits))])
	}
	return string(b[:n])
}

// withSum is a token with the checksum of GitHub.
func withSum(prefix string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := random(30)
	sum, tail := crc32.ChecksumIEEE([]byte(body)), ""
	for range 6 {
		tail = string(digits[sum%62]) + tail
		sum /= 62
	}
	return prefix + body + tail
}

// keyPEM is a new private key.
func keyPEM(t testing.TB, kind string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if kind == "EC PRIVATE KEY" {
		der, err = x509.MarshalECPrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func openSSH(t testing.TB, cipher string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := append([]byte("openssh-key-v1\x00\x00\x00\x00"+string(rune(len(cipher)))+cipher), key...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: body}))
}

func TestFind(t *testing.T) {
	id := "AKI" + "A3Q7PLMNB2XWVTRSK"[:17]
	awsSecret := random(38) + "/+"
	key := keyPEM(t, "PRIVATE KEY")
	account, err := json.Marshal(map[string]string{"type": "service_account", "private_key": key})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, text, want string }{
		{"PKCS 8", key, "private key"},
		{"SEC 1", keyPEM(t, "EC PRIVATE KEY"), "private key"},
		{"of other ends of lines", strings.ReplaceAll(key, "\n", "\r\n"), "private key"},
		{"indented", strings.ReplaceAll(key, "\n", "\n    "), "private key"},
		{"with nothing behind it", strings.TrimSpace(key), "private key"},
		{"in JSON", string(account), "private key in JSON"},
		{"OpenSSH", openSSH(t, "none"), "private key"},
		{"OpenSSH, encrypted", openSSH(t, "aes2"), ""},
		{"a public key", strings.ReplaceAll(key, "PRIVATE", "PUBLIC"), ""},
		{"a key that is none", strings.Replace(key, "MIG", "AAA", 1), ""},
		{"encrypted by RFC 1421", strings.Replace(key, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1), ""},
		{"a header alone", "grep -e '-----BEGIN PRIVATE KEY-----' file", ""},
		{"a key without its end", key[:len(key)-40], ""},
		{"age", "AGE-SECRET-KEY-1" + "QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSQQQQQQQ"[:58], ""},
		{"GitHub", withSum("ghp" + "_"), "GitHub token"},
		{"GitHub of a server", withSum("ghs" + "_"), "GitHub token"},
		{"GitHub, other checksum", withSum("ghp" + "_")[:39] + "!", ""},
		{"GitHub, fine grained", "github_pat_" + random(22) + "_" + random(59), "GitHub token"},
		{"npm", withSum("npm" + "_"), "npm token"},
		{"npm, no checksum", "npm" + "_" + random(36), ""},
		{"GitLab", "glpat" + "-" + random(20), "GitLab token"},
		{"GitLab, shown", "glpat" + "-aB0123456789cdefghij", ""},
		{"GitLab, a pattern", "glpat" + "-[0-9a-zA-Z_-]{20}", ""},
		{"Slack", "xoxb" + "-1234567890123-1234567890123-" + random(24), "Slack token"},
		{"Slack, short", "xoxb" + "-123-123-" + random(24), ""},
		{"Slack webhook", "https://hooks.slack.com/services/" + "T0A1B2C3D4/B0A1B2C3D4/" + random(24), "Slack webhook"},
		{"Stripe", "sk_live" + "_" + random(24), "Stripe key"},
		{"Stripe, test", "sk_test" + "_" + random(24), ""},
		{"Google", "AIza" + random(35), "Google API key"},
		{"Google, longer", "AIza" + random(36), ""},
		{"AWS", "aws_access_key_id = " + id + "\naws_secret_access_key = " + awsSecret + "\n", "AWS access key"},
		{"AWS, secret first", "SECRET=" + awsSecret + "\nID=" + id, "AWS access key"},
		{"AWS, ID alone", "id " + id, "AWS access key ID"},
		{"AWS, documentation", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", ""},
		{"AWS, beside a commit", id + " " + strings.Repeat("0a1b2c3d4e", 4), "AWS access key ID"},
		{"AWS, a word", "AKIAVERYLONGUPPERCASEWORD", ""},
		{"Docker Hub", "dckr_pat" + "_" + random(27), "Docker Hub token"},
		{"PyPI", "pypi-AgEIcHlwaS5vcmc" + random(60), "PyPI token"},
		{"DigitalOcean", "dop_v1" + "_" + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "DigitalOcean token"},
		{"Azure", "AccountKey=" + base64.StdEncoding.EncodeToString([]byte(random(64))), "Azure storage key"},
		{"Azure emulator", "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==", ""},
		{"PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nComment: me\r\nPrivate-Lines: 1\r\n", "PuTTY private key"},
		{"PuTTY, encrypted", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: me\nPrivate-Lines: 1\n", ""},
	} {
		if got := secret.In(test.text); got != test.want {
			t.Errorf("%s: %q is found, want %q", test.name, got, test.want)
		}
		for pad := range 9 { // at every alignment, and between other things
			text := strings.Repeat("-", pad) + "\n" + test.text + "\n" + strings.Repeat("k", 9)
			if got := secret.In(text); got != test.want {
				t.Errorf("%s after %d bytes: %q is found, want %q", test.name, pad, got, test.want)
			}
		}
	}
}

// TestAge computes the checksum of a key as BIP 173 does, digit by digit, instead of trusting one from a document.
func TestAge(t *testing.T) {
	const digits = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	body := ""
	for range 52 {
		body += string(digits[chance.IntN(32)])
	}
	found := 0
	for sum := range 32 { // of all last digits, given the others, exactly one can be right; mostly none is
		if secret.In("AGE-SECRET-KEY-1"+body+"QQQQQ"+string(digits[sum])) != "" {
			found++
		}
	}
	if found > 1 {
		t.Errorf("%d checksums are right", found)
	}
	// The example of age's own README.
	if got := secret.In("AGE-SECRET-KEY-184JMZMVQH3E6U0PSL869004Y3U2NYV7R30EU99CSEDNPH02YUVFSZW44VU"); got != "age key" {
		t.Errorf("age's own example: %q", got)
	}
}

// TestHostile searches texts that are made to cost more than their length. Two megabytes take half a second at most on an
// idle machine; what grows with the square of the length takes minutes on any.
func TestHostile(t *testing.T) {
	const size = 2 << 20
	for _, unit := range []string{"-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "AKIA2345672345672345 ", "AKIA",
		"PuTTY-User-Key-File-2: x\nEncryption: none\n\n\n", "AGE-SECRET-KEY-1", "hooks.slack.com/services/T"} {
		text := []byte(strings.Repeat(unit, size/len(unit)))
		begin := time.Now()
		secret.Find(text, len(text), func(string, int) {})
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("%q: %v for %d MB", unit, d, size>>20)
		}
	}
}

// TestOffset finds two secrets where they are, and none that begins behind n.
func TestOffset(t *testing.T) {
	one, two := withSum("ghp"+"_"), withSum("npm"+"_")
	text := []byte("first " + one + " second " + two + " end")
	for _, test := range []struct {
		n    int
		want string
	}{
		{len(text), "[6 54]"}, {55, "[6 54]"}, {54, "[6]"}, {7, "[6]"}, {6, "[]"}, {0, "[]"}, {1 << 30, "[6 54]"},
	} {
		var got []int
		secret.Find(text, test.n, func(_ string, at int) { got = append(got, at) })
		if fmt.Sprint(got) != test.want {
			t.Errorf("in the first %d bytes: %v, want %s", test.n, got, test.want)
		}
	}
}

func TestInFile(t *testing.T) {
	auth := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, test := range []struct {
		name, text string
		at         int
	}{
		{"/root/.netrc", "machine git.example login bot password hunter22\n", 39},
		{"/root/.netrc", "machine git.example\n  login bot\n  password ${TOKEN}\n", -1},
		{"/root/.npmrc", "//registry.example/:_authToken=" + random(20) + "\n", 31},
		{"/root/.npmrc", "//registry.example/:_authToken=${NPM_TOKEN}\n", -1},
		{"/root/.npmrc", "# _authToken=abc\nprefix=/usr\n", -1},
		{"/root/.docker/config.json", `{"auths": {"r.example": {"auth": "` + auth("bot:hunter22") + `"}}}`, 2 - 1},
		{"/root/.docker/config.json", `{"auths": {"r.example": {}}, "credsStore": "pass"}`, -1},
		{"/root/.docker/config.json", `{"auths": {"r.example": {"auth": "` + auth("bot:") + `"}}}`, -1},
		{"/root/.dockercfg", `{"r.example": {"auth": "` + auth("bot:hunter22") + `"}}`, 15},
		{"/srv/config.json", `{"auths": {"r.example": {"auth": "` + auth("bot:hunter22") + `"}}}`, -1},
		{"/root/.git-credentials", "https://bot:hunter22@git.example\n", 0},
		{"/src/.git/config", "[remote \"origin\"]\n\turl = https://bot:hunter22@git.example/a.git\n", 25},
		{"/src/.git/config", "[remote \"origin\"]\n\turl = https://git.example/a.git\n", -1},
		{"/root/.pypirc", "[pypi]\nusername = bot\npassword = hunter22\n", 33},
		{"/root/.pgpass", "db:5432:app:app:hunter22\n", 16},
		{"/root/.my.cnf", "[client]\npassword=hunter22\n", 18},
		{"/root/.kube/config", "users:\n- name: a\n  user:\n    client-key-data: " + auth(keyPEM(t, "EC PRIVATE KEY")) + "\n", 46},
		{"/root/.kube/config", "users:\n- name: a\n  user:\n    token: " + random(20) + "\n", 36},
		{"/root/.kube/config", "users:\n- name: a\n  user:\n    client-certificate-data: " + auth("x") + "\n", -1},
		{"/root/.aws/credentials", "[default]\naws_access_key_id = x\naws_secret_access_key = " + strings.Repeat("a1B2", 10) + "\n", 56},
		{"/app/.env", "# settings\nPORT=80\nexport DB_PASSWORD='hunter22'\n", 38},
		{"/app/.env", "DB_PASSWORD=\nAPI_TOKEN=changeme\nSECRET=${OTHER}\nTOKEN_FILE=/run/secrets/a\n", -1},
		{"/app/settings", "DB_PASSWORD=hunter22\n", -1},
	} {
		found, ok := secret.InFile(test.name, []byte(test.text))
		if ok != (test.at >= 0) || ok && found.Offset != int64(test.at) {
			t.Errorf("%s %q: %+v, %v; want it at %d", test.name, test.text, found, ok, test.at)
		}
	}
}

func TestInWords(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://app:Xk29-qq@db:5432/app":       "password in a URL",
		"postgres://postgres:postgres@db:5432/app": "",
		"https://bot:${TOKEN}@git.example/a.git":   "",
		"http://proxy.example:3128":                "",
		"glpat" + "-" + random(20):                 "GitLab token",
	} {
		if got := secret.InWords(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for name, want := range map[string]bool{"API_TOKEN": true, "API_TOKEN_FILE": false, "db_password": true, "PUBLIC_KEY": false, "GOMAXPROCS": false, "COMPASS": false} {
		if secret.Named(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// FuzzFind holds the one pass against a search for each secret's beginning: cutting the text anywhere before a secret
// finds the same one, whatever its alignment, and nothing panics.
func FuzzFind(f *testing.F) {
	for _, s := range []string{withSum("ghp" + "_"), "AKIA", "-----BEGIN PRIVATE KEY-----\n-----END ", "PuTTY-User-Key-File-2: x\nEncryption: none\n\nPrivate-Lines: ", "hooks.slack.com/services/T"} {
		f.Add([]byte(s))
	}
	f.Add([]byte(keyPEM(f, "PRIVATE KEY")))
	f.Fuzz(func(t *testing.T, text []byte) {
		last := -1
		secret.Find(text, len(text), func(shape string, at int) {
			if at <= last || at >= len(text) || shape == "" {
				t.Fatalf("%s at %d after %d of %d", shape, at, last, len(text))
			}
			last = at
			for _, cut := range []int{at, max(0, at-1)} {
				seen := false
				secret.Find(text[cut:], at-cut+1, func(s string, i int) { seen = seen || i == at-cut })
				if !seen && !bytes.HasPrefix(text[at:], []byte("AKIA")) && !bytes.HasPrefix(text[at:], []byte("ASIA")) { // they look behind
					t.Fatalf("%s at %d is not found from %d on", shape, at, cut)
				}
			}
		})
		for _, name := range []string{"/.netrc", "/.npmrc", "/.docker/config.json", "/.dockercfg", "/.kube/config", "/.env", "/.pgpass"} {
			secret.InFile(name, text)
		}
	})
}

// corpus is some real bytes: the sources and programs of the Go distribution.
func corpus(b *testing.B) []byte {
	b.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	var all []byte
	for _, pattern := range []string{"src/runtime/*.go", "src/net/http/*.go", "pkg/tool/*/compile"} {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), pattern))
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, data...)
		}
	}
	return all
}

func BenchmarkFind(b *testing.B) {
	text := corpus(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		secret.Find(text, len(text), func(string, int) {})
	}
}

// BenchmarkPasses is the same table, one bytes.Index a prefix.
func BenchmarkPasses(b *testing.B) {
	text := corpus(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for _, p := range []string{"-----BEGIN ", "PuTTY-User-Key-File-", "AGE-SECRET-KEY-1", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "npm_",
			"pypi-AgEIcHlwaS5vcmc", "dckr_pat_", "xoxb-", "xoxp-", "hooks.slack.com/services/T", "sk_live_", "rk_live_", "AIza", "GOCSPX-", "dop_v1_", "hvs.CAES", "AccountKey=", "sk-ant-api"} {
			for at := 0; ; at++ {
				i := bytes.Index(text[at:], []byte(p))
				if i < 0 {
					break
				}
				at += i
			}
		}
	}
}
