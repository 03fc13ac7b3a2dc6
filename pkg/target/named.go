package target

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

// readNamed reads the executables that the user named. With an image they are asked about as if they stood in it.
func readNamed(s *audit.Subject, binaries []Target) {
	others := s.Programs
	s.Programs = nil
	for _, t := range binaries {
		b, err := readNamedBinary(t)
		if err != nil {
			s.Unread = append(s.Unread, audit.Unread{What: t.Arg, Because: reason(err)})
			continue
		}
		if s.Image != nil {
			b.Path = path.Join("/", filepath.Base(t.Name))
		}
		addProgram(s, &audit.Program{Binary: b, Entry: true})
	}
	s.Programs = append(s.Programs, others...)
}

// readNamedBinary reads an executable from disk or standard input. One that Go did not build gives binary.ErrNotGo: its
// needs cannot be told.
func readNamedBinary(t Target) (*binary.Binary, error) {
	b, err := openBinary(t)
	if err == nil && b.Go == nil && b.Opaque == "" {
		err = fmt.Errorf("reading a Go executable: %w (no build information in it)", binary.ErrNotGo)
	}
	return b, err
}

func openBinary(t Target) (*binary.Binary, error) {
	if t.Data != nil {
		return binary.Read(bytes.NewReader(t.Data), int64(len(t.Data)), "standard input")
	}
	f, err := os.Open(t.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("reading an executable: %s is no regular file", t.Name)
	}
	return binary.Read(f, fi.Size(), t.Name)
}
