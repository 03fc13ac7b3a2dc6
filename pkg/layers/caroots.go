package layers

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// The places crypto/x509 looks at. Source: crypto/x509/root_linux.go.
var (
	certFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
	certDirectories = []string{
		"/etc/ssl/certs",
		"/etc/pki/tls/certs",
	}
)

const (
	maxCAFile  = 16 << 20 // bytes of one file of roots
	maxCAFiles = 10_000   // files looked into
)

// CARoots answers for x509.SystemCertPool: the first readable file of the list, or of $SSL_CERT_FILE alone, and then,
// always, every file of the directories, or of those of $SSL_CERT_DIR; a symlink to a name in its own directory is
// passed over. Relative names are looked up from the root.
// Source: crypto/x509/root_unix.go loadSystemRoots.
func (f *FS) CARoots(env []string, id Identity) CARoots {
	s := caSearch{fs: f, id: id, seen: map[[sha256.Size]byte]bool{}}
	files, dirs := certFiles, certDirectories
	if file, _ := getenv(env, "SSL_CERT_FILE"); file != "" {
		files = []string{file}
	}
	if list, _ := getenv(env, "SSL_CERT_DIR"); list != "" {
		dirs = strings.Split(list, ":")
	}
	for _, file := range files {
		s.found.Searched = append(s.found.Searched, file)
		err := s.file(file)
		if err == nil {
			break
		}
		s.note("open", file, err)
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		s.found.Searched = append(s.found.Searched, dir)
		if err := s.directory(dir); err != nil {
			s.note("open", dir, err)
		}
	}
	if s.found.Certificates > 0 {
		s.found.Err = ""
	}
	return s.found
}

// caSearch is one search for roots.
type caSearch struct {
	fs     *FS
	id     Identity
	found  CARoots
	looked int
	seen   map[[sha256.Size]byte]bool
}

// note keeps the first error that is more than absence.
func (s *caSearch) note(op, name string, err error) {
	if s.found.Err != "" || errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == syscall.EISDIR {
		op = "read"
	}
	s.found.Err = op + " " + name + ": " + err.Error()
}

// file loads the roots of one file. The error is that of os.ReadFile; what exists but is not looked into is none.
func (s *caSearch) file(name string) error {
	n, at, err := s.fs.tree.follow(name, true, s.id.search)
	if err == nil && !s.id.may(&n.entry, Read_) {
		err = syscall.EACCES
	}
	switch {
	case err == syscall.EACCES:
		s.found.Unreadable = append(s.found.Unreadable, name)
		return err
	case err != nil:
		return err
	case n.isDir():
		return syscall.EISDIR
	}
	s.looked++
	data, err := n.read(maxCAFile)
	if err != nil || s.looked > maxCAFiles {
		s.found.Skipped = append(s.found.Skipped, at)
		return nil
	}
	if count := s.certificates(name, data); count > 0 {
		s.found.Files = append(s.found.Files, CAFile{Path: name, Certificates: count})
	}
	return nil
}

// directory loads the roots of every file of a directory. The error is that of os.ReadDir.
func (s *caSearch) directory(dir string) error {
	n, _, err := s.fs.tree.follow(dir, true, s.id.search)
	switch {
	case err != nil:
	case !n.isDir():
		err = syscall.ENOTDIR
	case !s.id.may(&n.entry, Read_):
		err = syscall.EACCES
	}
	if err == syscall.EACCES {
		s.found.Unreadable = append(s.found.Unreadable, dir)
	}
	if err != nil {
		return err
	}
	mayReadLinks := s.id.search(n) == nil
	for _, child := range n.children.all() {
		e, name := &child.entry, child.name()
		sameDir := e.Mode&fs.ModeSymlink != 0 && !strings.Contains(e.Link, "/") && mayReadLinks
		if !sameDir && !e.Mode.IsDir() {
			_ = s.file(dir + "/" + name)
		}
	}
	return nil
}

// certificates counts the roots in PEM data and keeps those not seen before.
// Source: crypto/x509/cert_pool.go AppendCertsFromPEM.
func (s *caSearch) certificates(file string, data []byte) int {
	count := 0
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			continue
		}
		sum := sha256.Sum256(block.Bytes)
		if s.seen[sum] {
			count++
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		count++
		s.seen[sum] = true
		s.found.Roots = append(s.found.Roots, CARoot{
			Subject: cert.Subject.String(), File: file, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter})
	}
	s.found.Certificates += count
	return count
}
