package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"path"
	"strings"
)

// A format is a kind of file that programs keep credentials in.
type format struct {
	shape string
	names []string // last elements of its path
	ends  []string // ends of its path, of several elements
	find  func(text []byte) int
}

// Largest is the size of the largest file that is read as one that keeps credentials.
const Largest = 1 << 20

// formats. Sources: the manuals of curl (.netrc), npm (.npmrc), docker login, git-credential-store, twine (.pypirc), pip,
// PostgreSQL (.pgpass), MySQL (option files), kubectl (kubeconfig), gcloud.
var formats = []format{
	{"password", []string{".netrc", "_netrc"}, nil, group(`(?m)(?:^|\s)password\s+(\S+)`)},
	{"npm token", []string{".npmrc"}, nil, group(`(?m)^[^#;\n]*:?(?:_authToken|_auth|_password)\s*=\s*"?([^\s"]+)`)},
	{"registry password", []string{".dockercfg"}, []string{".docker/config.json", "containers/auth.json", ".config/containers/auth.json", "kaniko/.docker/config.json"}, dockerAuth},
	{URLPassword, []string{".git-credentials"}, []string{".config/git/credentials"}, url},
	{URLPassword, []string{".gitconfig"}, []string{".git/config", ".config/git/config"}, url},
	{URLPassword, []string{"pip.conf"}, []string{".pip/pip.conf"}, url},
	{"password", []string{".pypirc"}, nil, group(`(?m)^\s*password\s*[=:]\s*(\S+)`)},
	{"password", []string{".pgpass"}, nil, group(`(?m)^[^#:\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(\S+)`)},
	{"password", []string{".my.cnf"}, nil, group(`(?m)^\s*password\s*=\s*(\S+)`)},
	{"cluster key", []string{"kubeconfig"}, []string{".kube/config", "kubernetes/admin.conf"}, kubeconfig},
	{"refresh token", []string{"application_default_credentials.json"}, nil, group(`"refresh_token"\s*:\s*"([^"]+)"`)},
	{"AWS secret access key", nil, []string{".aws/credentials"}, group(`(?m)^\s*aws_secret_access_key\s*=\s*([A-Za-z0-9/+]{40})\s*$`)},
	{Variable, []string{".env"}, nil, dotenv},
}

// Keeps reports whether files of this path keep credentials, so that InFile must be given the whole of them.
func Keeps(name string) bool { return formatOf(name) != nil }

// formatOf returns the format of the file at a path, nil if it is none that keeps credentials.
func formatOf(name string) *format {
	base := path.Base(name)
	for i, f := range formats {
		for _, n := range f.names {
			if base == n {
				return &formats[i]
			}
		}
		for _, end := range f.ends {
			if strings.HasSuffix(name, "/"+end) {
				return &formats[i]
			}
		}
	}
	return nil
}

// InFile finds the credential that a file which keeps them has, if there is one beside those that Find finds. A
// placeholder and a reference to a variable are none.
func InFile(name string, text []byte) (Found, bool) {
	f := formatOf(name)
	if f == nil || len(text) > Largest {
		return Found{}, false
	}
	at := f.find(text)
	if at < 0 {
		return Found{}, false
	}
	return Found{f.shape, int64(at)}, true
}

// group returns a search for the first group of an expression that is a real value.
func group(expression string) func([]byte) int {
	re := lazily(expression)
	return func(text []byte) int {
		for _, m := range re().FindAllSubmatchIndex(text, -1) {
			value := string(text[m[2]:m[3]])
			if isValue(value) {
				return m[2]
			}
		}
		return -1
	}
}

func isValue(v string) bool {
	return Real(v) && !Placeholder(v) && !strings.Contains(v, "${") && !strings.Contains(v, "EXAMPLE")
}

func url(text []byte) int {
	for _, m := range urlPassword().FindAllIndex(text, -1) {
		if !knownURL(string(text[m[0]:m[1]])) {
			return m[0]
		}
	}
	return -1
}

// dockerAuth finds "auth", user:password in base64, or an identity token.
func dockerAuth(text []byte) int {
	type entry struct {
		Auth          string `json:"auth"`
		IdentityToken string `json:"identitytoken"`
		Password      string `json:"password"`
	}
	var config struct {
		Auths map[string]entry `json:"auths"`
	}
	if json.Unmarshal(text, &config) != nil {
		return -1
	}
	if config.Auths == nil { // .dockercfg has no level above
		_ = json.Unmarshal(text, &config.Auths) // as far as it is of that form
	}
	for _, e := range config.Auths {
		plain, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, ok := bytes.Cut(plain, []byte(":"))
		if err == nil && ok && len(user) > 0 && isValue(string(password)) || isValue(e.IdentityToken) || isValue(e.Password) {
			return max(bytes.Index(text, []byte(`"auth`)), 0)
		}
	}
	return -1
}

var (
	clientKey   = lazily(`(?m)^\s*"?client-key-data"?:\s*"?([A-Za-z0-9+/=]+)`)
	clientToken = group(`(?m)^\s*"?(?:token|password)"?:\s*"?([^\s"]{8,})`)
)

// kubeconfig finds a client's key, PEM in base64, or a token.
func kubeconfig(text []byte) int {
	for _, m := range clientKey().FindAllSubmatchIndex(text, -1) {
		if raw, err := base64.StdEncoding.DecodeString(string(text[m[2]:m[3]])); err == nil && In(string(raw)) == PrivateKey {
			return m[2]
		}
	}
	return clientToken(text)
}

var assignment = lazily(`(?m)^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*(.*?)\s*$`)

// dotenv finds a variable whose name says that its value is a secret.
func dotenv(text []byte) int {
	for _, m := range assignment().FindAllSubmatchIndex(text, -1) {
		if Named(string(text[m[2]:m[3]])) && isValue(strings.Trim(string(text[m[4]:m[5]]), `"'`)) {
			return m[4]
		}
	}
	return -1
}
