package matrix

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// companyC is a source of /etc/nsswitch.conf that knows one user. It takes strcmp from libc, as any of them takes something.
// Source: nss.h of glibc.
const companyC = `#include <nss.h>
#include <pwd.h>
#include <string.h>
enum nss_status _nss_company_getpwnam_r(const char *name, struct passwd *p, char *b, size_t n, int *e) {
	if (strcmp(name, "clerk")) return NSS_STATUS_NOTFOUND;
	p->pw_name = "clerk"; p->pw_passwd = "x"; p->pw_uid = p->pw_gid = 4711;
	p->pw_gecos = ""; p->pw_dir = "/"; p->pw_shell = "/bin/false";
	return NSS_STATUS_SUCCESS;
}
`

const (
	known   = "4711\n"
	unknown = "user: unknown user clerk\n"
)

// TestStaticGlibc runs a program with glibc inside in roots with and without the library that /etc/nsswitch.conf names,
// and one without glibc, whose facts name no libraries.
func TestStaticGlibc(t *testing.T) {
	if testing.Short() {
		t.Skip("short: runs a C compiler")
	}
	if os.Getuid() != 0 {
		t.Skip("not root: cannot chroot")
	}
	b := &bench{t: t, dir: t.TempDir()}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	b.compile("libnss_company.so.2", companyC, "-shared", "-fPIC", "-fno-builtin")
	app := programNamed(t, "proof-static-names")
	source := writeSources(t, []*program{app})
	for _, v := range variants {
		if v.name != "static-glibc" && v.name != "stripped" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			file := filepath.Join(v.build(t, source, []*program{app}), app.name)
			facts := read(t, file)
			n, takes := facts.Need(binary.TopicLibraries)
			if takes != (v.name == "static-glibc") || takes != (facts.Layout.StaticLibc == binary.Glibc) || takes && n.Certainty != binary.Possible {
				t.Fatalf("libraries %+v, libc inside %q", n, facts.Layout.StaticLibc)
			}
			library, libc := filepath.Join(b.dir, "libnss_company.so.2"), "/lib/x86_64-linux-gnu/libc.so.6" // libc wants the loader
			whole := unknown
			if takes {
				whole = known
			}
			for _, c := range []struct {
				files []string
				says  string
			}{{nil, unknown}, {[]string{library}, unknown}, {[]string{library, libc}, unknown}, {[]string{library, libc, glibcLoader}, whole}} {
				if says := runBeside(t, file, c.files); says != c.says {
					t.Errorf("with %q: printed %q, want %q", c.files, says, c.says)
				}
			}
		})
	}
}

// runBeside runs a program in a root that has no more than a few libraries and the configuration that asks for one.
func runBeside(t *testing.T, app string, libraries []string) string {
	t.Helper()
	l := &lab{t: t, root: t.TempDir()}
	l.copy(app, "app")
	for _, file := range libraries {
		l.copy(file, filepath.Join("lib/x86_64-linux-gnu", filepath.Base(file)))
	}
	l.write("etc/nsswitch.conf", []byte("passwd: files company\n"))
	l.write("etc/passwd", []byte("root:x:0:0::/:/bin/sh\n"))
	c := exec.Command("/app")
	c.Dir, c.Env, c.SysProcAttr = "/", []string{}, &syscall.SysProcAttr{Chroot: l.root}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// programNamed reads one program.
func programNamed(t *testing.T, name string) *program {
	t.Helper()
	for _, p := range readPrograms(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no program %s", name)
	return nil
}
