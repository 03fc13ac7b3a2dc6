package layers

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// certificates are those that a registry's host is spoken to with.
type certificates struct {
	roots  *x509.CertPool // nil for the system's alone
	client []tls.Certificate
}

// certificatesFor gathers the certificates of a host: the system's roots, the given files, and what the host's own
// directories hold: NAME.crt is an authority, NAME.cert with NAME.key a certificate of ours.
// Sources: containers-certs.d(5); Docker's "Verify repository client with certificates".
func certificatesFor(env environment, host string, files []string) (*certificates, error) {
	c := &certificates{}
	for _, file := range files {
		if err := c.authority(file); err != nil {
			return nil, err
		}
	}
	if strings.ContainsAny(host, `/\`) || strings.Trim(host, ".") == "" {
		return c, nil
	}
	for _, dir := range certificateDirs(env) {
		if err := c.directory(filepath.Join(dir, host)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func certificateDirs(env environment) []string {
	dirs := []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	for _, tool := range []string{"docker", "containers"} {
		if dir := env.config(tool); dir != "" {
			dirs = append([]string{filepath.Join(dir, "certs.d")}, dirs...)
		}
	}
	return dirs
}

// directory takes the certificates of one host's directory, if there is one.
func (c *certificates) directory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // there is none, or none for us: the registry says what is missing
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		switch filepath.Ext(file) {
		case ".crt":
			err = c.authority(file)
		case ".cert":
			err = c.ours(file, strings.TrimSuffix(file, ".cert")+".key")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// authority adds the roots of a PEM file.
func (c *certificates) authority(file string) error {
	data, err := readDocument(file, maxSettings)
	if err != nil {
		return fmt.Errorf("reading CA certificates: %w", err)
	}
	if c.roots == nil {
		if c.roots, err = x509.SystemCertPool(); err != nil {
			return fmt.Errorf("reading the system's CA certificates: %w", err)
		}
	}
	if !c.roots.AppendCertsFromPEM(data) {
		return fmt.Errorf("reading CA certificates: no certificate in %s", file)
	}
	return nil
}

// ours adds a certificate that says who we are.
func (c *certificates) ours(file, key string) error {
	pair, err := tls.LoadX509KeyPair(file, key)
	if err != nil {
		return fmt.Errorf("reading the client certificate %s: %w", file, err)
	}
	c.client = append(c.client, pair)
	return nil
}
