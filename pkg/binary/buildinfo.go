package binary

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
)

// Limits of the build information. That of kubelet has 20 KiB.
const (
	maxVersion   = 256
	maxBuildInfo = 4 << 20
)

// buildInfoMagic starts the build information, aligned to 16 bytes in the writable data.
// Source: debug/buildinfo, buildInfoMagic. That package reads strings of any length the file names and has no limit
// to set, so the 32 bytes are decoded here; the text is left to runtime/debug.
var buildInfoMagic = []byte("\xff Go buildinf:")

// errNoBuildInfo says that a program has no build information.
var errNoBuildInfo = errors.New("no build information")

// readGoInfo reads what the toolchain wrote about the build. The error wraps errNoBuildInfo if there is nothing.
func readGoInfo(m *memory) (*GoInfo, error) {
	at, err := findBuildInfo(m)
	if err != nil {
		return nil, err
	}
	var header [32]byte
	if !m.read(at, header[:]) {
		return nil, errNoBuildInfo
	}
	version, text, ok := buildInfoText(m, at, header[:])
	if !ok || version == "" {
		return nil, errNoBuildInfo
	}
	info := &GoInfo{Version: version}
	// Sixteen bytes on either side mark the text for go version. Source: cmd/go/internal/modload, infoStart, infoEnd.
	if len(text) < 33 || text[len(text)-17] != '\n' {
		return info, nil
	}
	parsed, err := debug.ParseBuildInfo(text[16 : len(text)-16])
	if err != nil {
		return info, nil // a claim that cannot be read is none; the version stands
	}
	info.Path, info.Main = parsed.Path, newModule(&parsed.Main)
	for _, d := range parsed.Deps {
		info.Deps = append(info.Deps, newModule(d))
	}
	if len(parsed.Settings) > 0 {
		info.Settings = make(map[string]string, len(parsed.Settings))
	}
	for _, s := range parsed.Settings {
		info.Settings[s.Key] = s.Value
	}
	return info, nil
}

// findBuildInfo returns the address of the build information.
func findBuildInfo(m *memory) (uint64, error) {
	const align = 16
	var at uint64
	p := newPattern(buildInfoMagic, align)
	see := func(address uint64, b []byte) bool {
		if bytes.HasPrefix(b, buildInfoMagic) {
			at = address
		}
		return at != 0
	}
	m.findAtSections(p, len(buildInfoMagic), see)
	for _, s := range m.loads() {
		if at != 0 || s.access&elf.PF_W == 0 {
			continue
		}
		if err := m.find(s, p, len(buildInfoMagic), see); err != nil {
			return 0, fmt.Errorf("searching the build information: %w", err)
		}
	}
	if at == 0 {
		return 0, errNoBuildInfo
	}
	return at, nil
}

// buildInfoText returns the two strings: after the header with their lengths before them (1.18 and later), or
// pointed to by the header.
func buildInfoText(m *memory, at uint64, header []byte) (version, text string, ok bool) {
	const inline = 2
	if header[15]&inline != 0 {
		at += uint64(len(header))
		if version, at, ok = prefixedText(m, at, maxVersion); !ok {
			return "", "", false
		}
		text, _, ok = prefixedText(m, at, maxBuildInfo)
		return version, text, ok
	}
	ptr := m.f.pick(4, 8)
	if uint64(header[14]) != ptr {
		return "", "", false
	}
	if version, ok = stringHeader(m, at+16, maxVersion); !ok {
		return "", "", false
	}
	text, _ = stringHeader(m, at+16+ptr, maxBuildInfo) // absent without modules
	return version, text, true
}

// prefixedText reads a string that follows its length, and returns the address after it.
func prefixedText(m *memory, at, limit uint64) (string, uint64, bool) {
	b := make([]byte, binary.MaxVarintLen64)
	for i := range b { // the length may be the last thing in its segment
		if !m.read(at+uint64(i), b[i:i+1]) || b[i] < 0x80 {
			break
		}
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n > limit {
		return "", 0, false
	}
	s, ok := m.text(at+uint64(size), n)
	return s, at + uint64(size) + n, ok
}

// stringHeader reads the Go string whose header the word at an address points to.
func stringHeader(m *memory, at, limit uint64) (string, bool) {
	header, ok := m.word(at)
	if !ok || header == 0 {
		return "", false
	}
	return goString(m, header, limit)
}

// goString reads the string whose header is at an address.
func goString(m *memory, header, limit uint64) (string, bool) {
	data, ok1 := m.word(header)
	n, ok2 := m.word(header + m.f.pick(4, 8))
	if !ok1 || !ok2 || n > limit {
		return "", false
	}
	if n == 0 {
		return "", true
	}
	return m.text(data, n)
}

// newModule copies a module, at most one replacement deep, as go.mod allows.
func newModule(d *debug.Module) Module {
	m := Module{Path: d.Path, Version: d.Version, Sum: d.Sum}
	if d.Replace != nil {
		m.Replace = &Module{Path: d.Replace.Path, Version: d.Replace.Version, Sum: d.Replace.Sum}
	}
	return m
}
