package reality

import (
	"github.com/imgaudit/imgaudit/pkg/layers"
)

const roots = "ca-roots-missing"

// client asks the TLS server for a page.
var client = program("/app", "https-client", static)

var caRootsCells = []cell{
	{name: "no bundle", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), client)},
	{name: "the bundle", rule: roots, network: true, root: all(bundle("/etc/ssl/certs/ca-certificates.crt"), client)},
	{name: "another authority's bundle", rule: roots, network: true, root: all(otherBundle("/etc/ssl/certs/ca-certificates.crt"), client),
		limit: "which servers are talked to is not known"},
	{name: "fedora's bundle", rule: roots, network: true, root: all(bundle("/etc/pki/tls/certs/ca-bundle.crt"), client)},
	{name: "alpine's bundle", rule: roots, network: true, root: all(bundle("/etc/ssl/cert.pem"), client)},
	{name: "an empty bundle", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), text("/etc/ssl/certs/ca-certificates.crt", ""), client)},
	{name: "an empty bundle before a good one", rule: roots, network: true,
		root: all(text("/etc/ssl/certs/ca-certificates.crt", ""), bundle("/etc/ssl/cert.pem"), client)},
	{name: "a bundle for root alone", rule: roots, network: true, config: layers.Config{User: "65532"},
		root: all(as(0o600, 0, bundle("/etc/ssl/certs/ca-certificates.crt")), client)},
	{name: "a bundle for root alone, run by root", rule: roots, network: true, root: all(as(0o600, 0, bundle("/etc/ssl/certs/ca-certificates.crt")), client)},
	{name: "a bundle in a closed directory", rule: roots, network: true, config: layers.Config{User: "65532"},
		root: all(dir("/etc/ssl", 0o700, 0), bundle("/etc/ssl/certs/ca-certificates.crt"), client)},
	{name: "a bundle for root alone before a readable one", rule: roots, network: true, config: layers.Config{User: "65532"},
		root: all(as(0o600, 0, otherBundle("/etc/ssl/certs/ca-certificates.crt")), bundle("/etc/ssl/cert.pem"), client)},
	{name: "a PEM file in the directory", rule: roots, network: true, root: all(bundle("/etc/ssl/certs/own.pem"), client)},
	{name: "a link within the directory", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), link("/etc/ssl/certs/a.pem", "b.pem"), client)},
	{name: "a link out of the directory", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), link("/etc/ssl/certs/a.pem", "/elsewhere.pem"), client)},
	{name: "SSL_CERT_FILE", rule: roots, network: true, config: layers.Config{Env: []string{"SSL_CERT_FILE=/elsewhere.pem"}}, root: all(bundle("/elsewhere.pem"), client)},
	{name: "SSL_CERT_FILE leads nowhere", rule: roots, network: true, config: layers.Config{Env: []string{"SSL_CERT_FILE=/nowhere.pem"}},
		root: all(bundle("/etc/ssl/cert.pem"), client)},
	{name: "SSL_CERT_FILE leads nowhere, the directory has it", rule: roots, network: true, config: layers.Config{Env: []string{"SSL_CERT_FILE=/nowhere.pem"}},
		root: all(bundle("/etc/ssl/certs/ca-certificates.crt"), client)},
	{name: "SSL_CERT_DIR", rule: roots, network: true, config: layers.Config{Env: []string{"SSL_CERT_DIR=/empty:/certs"}}, root: all(bundle("/certs/own.crt"), client)},
	{name: "SSL_CERT_DIR leads nowhere", rule: roots, network: true, config: layers.Config{Env: []string{"SSL_CERT_DIR=/nowhere"}}, root: all(bundle("/etc/ssl/certs/own.pem"), client)},
	{name: "the program brings roots", rule: roots, network: true, root: fallback("/app")},
	{name: "the program brings roots, the system has others", rule: roots, network: true, root: all(otherBundle("/etc/ssl/cert.pem"), fallback("/app")),
		limit: "which servers are talked to is not known"},
	{name: "the program verifies nobody", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), program("/app", "tls-insecure", static))},
	{name: "the program has its own pool", rule: roots, network: true, config: layers.Config{Env: []string{"APP_ROOTS=/elsewhere.pem"}},
		root: all(bundle("/elsewhere.pem"), program("/app", "tls-own-roots", static))},
	{name: "the URL comes from the environment", rule: roots, network: true, config: layers.Config{Env: []string{"APP_URL=https://localhost:8443/"}},
		root: all(bundle("/elsewhere.pem"), program("/app", "https-env", static))},
	{name: "the URL from the environment, with roots", rule: roots, network: true, config: layers.Config{Env: []string{"APP_URL=https://localhost:8443/"}},
		root: all(bundle("/etc/ssl/cert.pem"), program("/app", "https-env", static))},
	{name: "the URL is made of parts", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), program("/app", "https-request", static))},
	{name: "TLS without HTTP", rule: roots, network: true, root: all(bundle("/elsewhere.pem"), program("/app", "tls-dial", static))},
	{name: "TLS without HTTP, with roots", rule: roots, network: true, root: all(bundle("/etc/ssl/cert.pem"), program("/app", "tls-dial", static))},
}
