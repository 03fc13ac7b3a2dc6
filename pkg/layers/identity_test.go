package layers_test

import (
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

const passwd = `root:x:0:0:root:/root:/bin/sh
# comments are lines like any other
app:x:1000:1001:An App:/home/app:/bin/sh
app:x:2000:2001::/second:
1234:x:7:8::/number:
nohome:x:9:9
`

const group = `root:x:0:
# a comment, with a colon: app
staff:x:50:app,other
video:x:44:other,app
named:x:60:
app:x:1001:
`

func TestIdentity(t *testing.T) {
	full := tree(t, []layers.File{file("etc/passwd", passwd), file("etc/group", group)})
	scratch := tree(t)
	for _, c := range []struct {
		fs   *layers.FS
		user string
		want string
	}{
		{full, "", "0:0 [] /root"}, {full, "0", "0:0 [] /root"}, {full, "root", "0:0 [] /root"},
		{full, "app", "1000:1001 [50 44] /home/app"}, {full, "1000", "1000:1001 [50 44] /home/app"},
		{full, "app:named", "1000:60 [] /home/app"}, {full, "app:7", "1000:7 [] /home/app"}, {full, "app:", "1000:1001 [50 44] /home/app"},
		{full, "65532", "65532:0 [] /"}, {full, "65532:65532", "65532:65532 [] /"}, {full, "65532:staff", "65532:50 [] /"},
		{full, ":staff", "0:50 [] /root"}, {full, "1234", "1234:0 [] /"}, {full, "nohome", "9:9 [] "},
		{full, "nobody", "unable to find user nobody: no matching entries in passwd file"},
		{full, "app:nogroup", "unable to find group nogroup: no matching entries in group file"},
		{full, "2147483648", "uids and gids must be in range 0-2147483647"}, {full, "-1", "uids and gids must be in range 0-2147483647"},
		{full, "1:-1", "uids and gids must be in range 0-2147483647"},
		{scratch, "", "0:0 [] /"}, {scratch, "65532", "65532:0 [] /"}, {scratch, "1:2", "1:2 [] /"},
		{scratch, "nonroot", "unable to find user nonroot: no matching entries in passwd file"},
		{tree(t, []layers.File{link("etc/passwd", "/usr/etc/passwd"), file("usr/etc/passwd", "a:x:5:6::/a:\n")}), "a", "5:6 [] /a"},
		{tree(t, []layers.File{file("etc/passwd", strings.Repeat("x", 70_000))}), "a", "unable to find user a: bufio.Scanner: token too long"},
	} {
		t.Run(c.user, func(t *testing.T) {
			id := c.fs.Identity(c.user)
			got := fmt.Sprintf("%d:%d %v %s", id.UID, id.GID, id.Groups, id.Home)
			if id.Err != "" {
				got = id.Err
			}
			if got != c.want || id.User != c.user {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAccess(t *testing.T) {
	f := tree(t, []layers.File{
		{Path: "root/", Mode: fs.ModeDir | 0o700}, file("root/x", "1"), link("way", "/root/x"), link("loop", "loop"), link("up", "../../etc/f"),
		{Path: "etc/f", Mode: 0o640, UID: 10, GID: 20}, {Path: "etc/g", Mode: 0o007, UID: 10, GID: 20}, {Path: "plain", Mode: 0o644},
		{Path: "tmp/", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
	})
	root, user := layers.Identity{}, layers.Identity{UID: 5, GID: 5, Groups: []int{20}}
	for _, c := range []struct {
		path string
		id   layers.Identity
		want layers.Permission
		is   string // "ok REAL" or "ERRNO AT"
	}{
		{"/root/x", root, layers.Read_, "ok /root/x"}, {"/root/x", user, layers.Read_, "EACCES /root"}, {"/way", user, 0, "EACCES /root"},
		{"/root", user, 0, "ok /root"}, {"/root", user, layers.Read_, "EACCES /root"}, {"/loop", root, 0, "ELOOP /loop"},
		{"/etc/f", user, layers.Read_, "ok /etc/f"}, {"/up", user, layers.Read_, "ok /etc/f"}, {"/etc/f", user, layers.Read_ | layers.Write, "EACCES /etc/f"},
		{"/etc/f", layers.Identity{UID: 10}, layers.Read_ | layers.Write, "ok /etc/f"}, {"/etc/f", layers.Identity{UID: 9, GID: 9}, layers.Read_, "EACCES /etc/f"},
		{"/etc/g", layers.Identity{UID: 10}, layers.Read_, "EACCES /etc/g"}, {"/etc/g", user, layers.Exec, "EACCES /etc/g"},
		{"/etc/g", layers.Identity{UID: 9, GID: 9}, layers.Exec | layers.Read_ | layers.Write, "ok /etc/g"},
		{"/plain", root, layers.Exec, "EACCES /plain"}, {"/plain", root, layers.Write, "ok /plain"}, {"/etc/g", root, layers.Exec, "ok /etc/g"},
		{"/nope", root, 0, "ENOENT /nope"}, {"/plain/x", root, 0, "ENOTDIR /plain"}, {"/plain/", root, 0, "ENOTDIR /plain"}, {"/tmp", user, layers.Write | layers.Exec, "ok /tmp"},
		{"/", user, layers.Exec, "ok /"},
	} {
		a := f.Access(c.path, c.id, c.want)
		got := a.Errno + " " + a.At
		if a.OK {
			got = "ok " + a.Real
		}
		if got != c.is {
			t.Errorf("%s as %d for %d: %s, want %s", c.path, c.id.UID, c.want, got, c.is)
		}
	}
}

func TestShell(t *testing.T) {
	f := tree(t, []layers.File{
		{Path: "bin/busybox", Data: []byte("\x7fELF" + strings.Repeat(" ", 256<<10-10) + "BusyBox v1.36 Illegal number: %s not created under job control")},
		{Path: "bin/bash", Data: []byte("\x7fELF @(#)Bash version 5.2")},
		{Path: "bin/dash", Data: []byte("\x7fELF Illegal number: %s .. not created under job control")},
		{Path: "bin/odd", Data: []byte("\x7fELF hello")}, {Path: "bin/script", Data: []byte("#!/bin/bash GNU bash, version")},
		link("bin/sh", "/bin/dash"), link("usr/sh", "../bin/busybox"), link("bin/dead", "nothing"), {Path: "bin/dir/"},
	})
	for path, want := range map[string]string{"/bin/sh": "dash /bin/dash", "/usr/sh": "busybox /bin/busybox", "/bin/bash": "bash /bin/bash",
		"/bin/odd": "other /bin/odd", "/bin/script": "other /bin/script", "/bin/dead": " ", "/bin/zsh": " ", "/bin/dir": " "} {
		if s := f.Shell(path); s.Kind+" "+s.Real != want || s.Path != path {
			t.Errorf("%s: %+v, want %s", path, s, want)
		}
	}
}

// TestShellsOfThisMachine recognises the shells that are installed here.
func TestShellsOfThisMachine(t *testing.T) {
	for name, want := range map[string]string{"dash": "dash", "bash": "bash", "busybox": "busybox", "ls": "other"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Logf("no %s here", name)
			continue
		}
		if got := tree(t, []layers.File{{Path: "sh", Data: readFile(t, path)}}).Shell("/sh"); got.Kind != want {
			t.Errorf("%s is taken for %q", path, got.Kind)
		}
	}
}
