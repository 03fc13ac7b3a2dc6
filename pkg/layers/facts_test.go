package layers_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

func TestOSRelease(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []layers.File
		want  string // "" for none
	}{
		{"none", []layers.File{file("etc/passwd", "")}, ""},
		{"Debian", []layers.File{file("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n")}, "debian 12 /etc/os-release"},
		{"a link", []layers.File{link("etc/os-release", "../usr/lib/os-release"), file("usr/lib/os-release", "ID='alpine'\nVERSION_ID=3.22.1\n")}, "alpine 3.22.1 /etc/os-release"},
		{"a dangling link", []layers.File{link("etc/os-release", "nowhere"), file("usr/lib/os-release", "ID=fedora\nVERSION_ID=42")}, "fedora 42 /usr/lib/os-release"},
		{"nothing said", []layers.File{file("etc/os-release", "# nothing\n")}, "linux  /etc/os-release"},
		{"a directory", []layers.File{file("etc/os-release/x", "ID=debian")}, ""},
	} {
		got := ""
		if o, ok := tree(t, c.files).OSRelease(); ok {
			got = fmt.Sprintf("%s %s %s", o.ID, o.Version, o.File)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPackageManagers(t *testing.T) {
	f := tree(t, []layers.File{program("usr/bin/apt-get"), program("usr/bin/dpkg"), link("usr/bin/apt", "apt-get"), file("sbin/apk", "x"), program("opt/rpm"), program("sbin/yum")})
	if got, want := f.PackageManagers(), []string{"/sbin/yum", "/usr/bin/apt-get", "/usr/bin/dpkg"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLeftovers(t *testing.T) {
	f := tree(t,
		[]layers.File{ // a compiler of two names, and Go
			program("usr/bin/x86_64-linux-gnu-gcc-12"), {Path: "usr/bin/gcc", Hardlink: "usr/bin/x86_64-linux-gnu-gcc-12"}, program("usr/bin/make"), program("usr/bin/gcc-ar-12"), program("usr/bin/maker"),
			sized("usr/lib/gcc/x/cc1", 1000), sized("usr/local/go/bin/go", 100), sized("usr/local/go/pkg/tool/compile", 50), sized("usr/local/go/src/a.go", 7), sized("usr/local/go/src/testdata/pkg/mod/cache/download/x", 3)},
		[]layers.File{sized("src/main.go", 10), sized("src/sub/x.go", 20), {Path: "src/again.go", Hardlink: "src/main.go"}, sized("src/main.rs", 5), sized("src/.git/HEAD", 1), sized("src/.git/objects/pack", 40),
			sized("usr/share/doc/x.go", 9), {Path: "src/y.go/"}, link("src/z.go", "main.go")},
		[]layers.File{sized("root/go/pkg/mod/cache/download/a", 60), sized("root/go/pkg/mod/m@v1/a.go", 70), sized("root/.cache/go-build/00/x", 80), sized("srv/pkg/mod/x", 1), sized("srv/go-build", 1), {Path: "src/.wh.sub"}},
	)
	elf := len(program("").Data)
	want := []string{
		"0 the Go toolchain /usr/local/go 160 4", fmt.Sprintf("0 a C compiler /usr %d 4", 2*elf+1000),
		"1 Go sources /src 10 2", "1 a git repository /src/.git 41 2",
		"2 the module cache /root/go/pkg/mod 130 2", "2 the build cache /root/.cache/go-build 80 1",
	}
	var got []string
	for _, l := range f.Leftovers() {
		got = append(got, fmt.Sprintf("%d %s %s %d %d", l.Layer, l.Kind, l.Path, l.Size, l.Files))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// FuzzOSRelease reads any text as os-release.
func FuzzOSRelease(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='x'\n")
	f.Add("ID\n=\nID=\x00\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if o, ok := tree(t, []layers.File{file("etc/os-release", text)}).OSRelease(); !ok || len(o.ID)+len(o.Version)+len(o.Name) > len(text)+len("linux") {
			t.Errorf("%q: %+v, %v", text, o, ok)
		}
	})
}
