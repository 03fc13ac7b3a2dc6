package layers

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// maxUserFile bounds /etc/passwd and /etc/group, as BuildKit does.
const maxUserFile = 10 << 20

// maxID is the largest uid or gid a run-time takes. Source: moby/sys/user.
const maxID = 1<<31 - 1

// Identity resolves the USER of an image: "", "name", "uid", "name:group", "uid:gid" and their mixtures, from the
// image's /etc/passwd and /etc/group. A number is an id even if some user has it for a name; a number without an
// entry is taken as it is, with group 0; supplementary groups come only with a user that has an entry, and only
// without an explicit group. Source: moby/sys/user GetExecUser, which Docker, containerd and runc share.
func (f *FS) Identity(user string) Identity {
	id := Identity{User: user, Home: "/"}
	name, group, _ := strings.Cut(user, ":")
	group, _, _ = strings.Cut(group, ":")
	uid, uidErr := strconv.Atoi(name)

	var entry []string
	err := f.eachLine("/etc/passwd", func(fields []string) bool {
		switch {
		case name == "":
			entry = pick(entry, fields, number(fields, 2) == 0)
		case uidErr == nil:
			entry = pick(entry, fields, number(fields, 2) == uid)
		default:
			entry = pick(entry, fields, fields[0] == name)
		}
		return entry == nil
	})
	switch {
	case err != nil:
		return id.fail("unable to find user %s: %v", orZero(name), err)
	case entry != nil:
		id.UID, id.GID, id.Home = number(entry, 2), number(entry, 3), field(entry, 5)
	case name != "" && uidErr != nil:
		return id.fail("unable to find user %s: no matching entries in passwd file", name)
	case name != "":
		id.UID = uid
	}
	if id.UID < 0 || id.UID > maxID {
		return id.fail("uids and gids must be in range 0-%d", maxID)
	}
	if group != "" {
		return f.withGroup(id, group)
	}
	if entry != nil {
		id.Groups = f.groupsOf(entry[0])
	}
	return id
}

// withGroup sets the explicit group of a USER.
func (f *FS) withGroup(id Identity, group string) Identity {
	gid, gidErr := strconv.Atoi(group)
	var entry []string
	err := f.eachLine("/etc/group", func(fields []string) bool {
		if gidErr == nil {
			entry = pick(entry, fields, number(fields, 2) == gid)
		} else {
			entry = pick(entry, fields, fields[0] == group)
		}
		return entry == nil
	})
	switch {
	case err != nil:
		return id.fail("unable to find groups for spec %s: %v", group, err)
	case entry != nil:
		id.GID = number(entry, 2)
	case gidErr != nil:
		return id.fail("unable to find group %s: no matching entries in group file", group)
	default:
		id.GID = gid
	}
	if id.GID < 0 || id.GID > maxID {
		return id.fail("uids and gids must be in range 0-%d", maxID)
	}
	return id
}

// groupsOf returns the groups of /etc/group that list a user, in file order.
func (f *FS) groupsOf(user string) []int {
	var groups []int
	_ = f.eachLine("/etc/group", func(fields []string) bool {
		for _, member := range strings.Split(field(fields, 3), ",") {
			if member == user && user != "" {
				groups = append(groups, number(fields, 2))
				break
			}
		}
		return true
	})
	return groups
}

// eachLine calls visit with the fields of each line of a colon-separated file until it returns false. A missing or
// unreadable file has no lines; a line beyond bufio's 64 KiB is an error, as it is for the run-time.
func (f *FS) eachLine(name string, visit func(fields []string) bool) error {
	n, _, err := f.tree.follow(name, true, nil)
	if err != nil {
		return nil
	}
	data, err := n.read(maxUserFile)
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || name == "/etc/group" && line[0] == '#' {
			continue
		}
		if !visit(strings.Split(line, ":")) {
			return nil
		}
	}
	return lines.Err()
}

// fail is the identity of a user the run-time refuses.
func (id Identity) fail(format string, args ...any) Identity {
	return Identity{User: id.User, Err: fmt.Sprintf(format, args...)}
}

// pick keeps the first match.
func pick(have, line []string, match bool) []string {
	if have == nil && match {
		return line
	}
	return have
}

func field(fields []string, i int) string {
	if i < len(fields) {
		return fields[i]
	}
	return ""
}

// number is a numeric field; what is no number counts as 0, as it does for the run-time.
func number(fields []string, i int) int {
	n, err := strconv.Atoi(field(fields, i))
	if err != nil {
		return 0
	}
	return n
}

func orZero(name string) string {
	if name == "" {
		return "0"
	}
	return name
}
