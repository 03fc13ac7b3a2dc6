package target

import (
	"io"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// numericID reads a uid or gid as BuildKit does: root is 0. Source: parseUID in client/llb/fileop.go.
func numericID(s string) (int, bool) {
	if s == "root" {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n >= 0
}

// entryOf gives the fields of the first line of /etc/passwd or /etc/group with that name, nil if there is none.
func entryOf(tree *layers.FS, file, name string) []string {
	const most = 10 << 20
	f, err := tree.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); fields[0] == name && name != "" {
			return fields
		}
	}
	return nil
}

// atoi is a numeric field; what is no number is 0.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
