package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// recipes says how the programs and libraries of the reality test are made: a command, run in a new directory that
// becomes the artifact's own; $OUT is the file to write, $SRC the sources, $ART the other artifacts' directory.
// Libraries carry their file name after a slash.
var recipes = map[string]string{
	// Private libraries and variants that lack something.
	"libpriv.so.1":          "gcc -shared -fPIC -Wl,-soname,libpriv.so.1 -o $OUT $SRC/priv.c",
	"less/libpriv.so.1":     "gcc -shared -fPIC -DLESS -Wl,-soname,libpriv.so.1 -o $OUT $SRC/priv.c",
	"libver.so.1":           "gcc -shared -fPIC -Wl,-soname,libver.so.1,--version-script,$SRC/versions.map -o $OUT $SRC/priv.c",
	"old/libver.so.1":       "gcc -shared -fPIC -DLESS -Wl,-soname,libver.so.1,--version-script,$SRC/oldversions.map -o $OUT $SRC/priv.c",
	"hollow/libver.so.1":    "gcc -shared -fPIC -DLESS -Wl,-soname,libver.so.1,--version-script,$SRC/versions.map -o $OUT $SRC/priv.c",
	"bare/libver.so.1":      "gcc -shared -fPIC -Wl,-soname,libver.so.1 -o $OUT $SRC/priv.c",
	"libouter.so.1":         "gcc -shared -fPIC -DCALLS=priv -Wl,-soname,libouter.so.1 -o $OUT $SRC/priv.c $ART/libpriv.so.1",
	"libouterrun.so.1":      "gcc -shared -fPIC -DCALLS=priv -Wl,-soname,libouterrun.so.1,--enable-new-dtags,-rpath,'$ORIGIN/inner' -o $OUT $SRC/priv.c $ART/libpriv.so.1",
	"lib/libslash.so":       "gcc -shared -fPIC -o $OUT $SRC/priv.c",
	"musl/libpriv.so.1":     "musl-gcc -shared -fPIC -Wl,-soname,libpriv.so.1 -o $OUT $SRC/priv.c",
	"lessmusl/libpriv.so.1": "musl-gcc -shared -fPIC -DLESS -Wl,-soname,libpriv.so.1 -o $OUT $SRC/priv.c",
	"musl/libouter.so.1":    "musl-gcc -shared -fPIC -DCALLS=priv -Wl,-soname,libouter.so.1 -o $OUT $SRC/priv.c $ART/musl/libpriv.so.1",

	// What Alpine's gcompat puts in the place of glibc's loader, and its library.
	"compat":               "M=$(dirname $(readlink -f /lib/ld-musl-x86_64.so.1)) && musl-gcc -nostdlib -static-pie -fPIE -fno-stack-protector -o $OUT $M/rcrt1.o $M/crti.o $SRC/compat.c $M/libc.a $M/crtn.o",
	"musl/libgcompat.so.0": "musl-gcc -shared -fPIC -Wl,-soname,libgcompat.so.0 -DGNU -o $OUT $SRC/compat.c",

	// C programs for glibc.
	"plain":      "gcc -o $OUT $SRC/main.c",
	"nopie":      "gcc -no-pie -o $OUT $SRC/main.c",
	"static":     "gcc -static -o $OUT $SRC/main.c",
	"staticpie":  "gcc -static-pie -o $OUT $SRC/main.c",
	"gnu":        "gcc -DGNU -o $OUT $SRC/main.c",
	"resolv":     "gcc -o $OUT $SRC/main.c -Wl,--no-as-needed -lresolv",
	"libm":       "gcc -o $OUT $SRC/main.c -Wl,--no-as-needed -lm",
	"crypt":      "gcc -o $OUT $SRC/main.c -Wl,--no-as-needed /usr/lib/x86_64-linux-gnu/libcrypt.so.1",
	"priv":       "gcc -DCALL=priv -o $OUT $SRC/main.c $ART/libpriv.so.1",
	"rpath":      "gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--disable-new-dtags,-rpath,/opt/lib $ART/libpriv.so.1",
	"runpath":    "gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,/opt/lib $ART/libpriv.so.1",
	"origin":     "gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../lib' $ART/libpriv.so.1",
	"libtoken":   "gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,'/opt/$LIB' $ART/libpriv.so.1",
	"chainrpath": "gcc -DCALL=outer -o $OUT $SRC/main.c -Wl,--disable-new-dtags,-rpath,/opt/lib,-rpath-link,$ART $ART/libouter.so.1",
	"chainrun":   "gcc -DCALL=outer -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,/opt/lib,-rpath-link,$ART $ART/libouter.so.1",
	"chainlib":   "gcc -DCALL=outer -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,/opt/lib,-rpath-link,$ART $ART/libouterrun.so.1",
	"slash":      "cd $ART && gcc -DCALL=priv -o $OUT $SRC/main.c lib/libslash.so",
	"ver1":       "gcc -DCALL=priv -o $OUT $SRC/main.c $ART/libver.so.1",
	"ver2":       "gcc -DCALL=extra -o $OUT $SRC/main.c $ART/libver.so.1",
	"lazy":       "gcc -DNEVER=extra -Wl,-z,lazy -o $OUT $SRC/main.c $ART/libpriv.so.1",
	"now":        "gcc -DNEVER=extra -Wl,-z,now -o $OUT $SRC/main.c $ART/libpriv.so.1",
	"lazyver":    "gcc -DNEVER=extra -Wl,-z,lazy -o $OUT $SRC/main.c $ART/libver.so.1",
	"nowver":     "gcc -DNEVER=extra -Wl,-z,now -o $OUT $SRC/main.c $ART/libver.so.1",
	"data":       "gcc -DDATA=datum -o $OUT $SRC/main.c $ART/libpriv.so.1",
	"copied":     "gcc -fno-pie -no-pie -DDATA=datum -o $OUT $SRC/main.c $ART/libpriv.so.1",

	// C programs for musl.
	"mplain":   "musl-gcc -o $OUT $SRC/main.c",
	"mstatic":  "musl-gcc -static -o $OUT $SRC/main.c",
	"mpriv":    "musl-gcc -DCALL=priv -o $OUT $SRC/main.c $ART/musl/libpriv.so.1",
	"mrpath":   "musl-gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--disable-new-dtags,-rpath,/opt/lib $ART/musl/libpriv.so.1",
	"mrunpath": "musl-gcc -DCALL=outer -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,/opt/lib,-rpath-link,$ART/musl $ART/musl/libouter.so.1",
	"morigin":  "musl-gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../lib' $ART/musl/libpriv.so.1",
	"mtoken":   "musl-gcc -DCALL=priv -o $OUT $SRC/main.c -Wl,--enable-new-dtags,-rpath,'/opt/lib:/opt/$LIB' $ART/musl/libpriv.so.1",
	"mnever":   "musl-gcc -DNEVER=extra -o $OUT $SRC/main.c $ART/musl/libpriv.so.1",

	// Go programs.
	"go":          "CGO_ENABLED=0 go build -o $OUT $SRC/gohello/main.go",
	"gopie":       "CGO_ENABLED=0 go build -buildmode=pie -o $OUT $SRC/gohello/main.go",
	"gocgo":       "CGO_ENABLED=1 go build -o $OUT $SRC/gocgo/main.go",
	"gocgostatic": "CGO_ENABLED=1 go build -ldflags '-linkmode external -extldflags -static-pie' -buildmode=pie -o $OUT $SRC/gocgo/main.go",
	"gomusl":      "CC=musl-gcc CGO_ENABLED=1 go build -o $OUT $SRC/gocgo/main.go",
}

// fakes are programs that only the loader sees: it refuses them.
var fakes = map[string]elftest.Spec{
	"glibc299": {
		Type: "ET_DYN", Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"},
		VersionNeeds: []elftest.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34", "GLIBC_2.99"}}},
	},
	"weak299": {
		Type: "ET_DYN", Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"}, BindNow: true,
		VersionNeeds: []elftest.VersionNeed{{Library: "libc.so.6", Weak: []string{"GLIBC_2.99"}}},
		Undefined:    []elftest.Symbol{{Name: "nowhere"}},
	},
}

// workshop makes artifacts on demand, once each.
type workshop struct {
	dir, source string
	mu          sync.Mutex
	errors      map[string]error
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	source, err := filepath.Abs("testdata/linking")
	if err != nil {
		t.Fatal(err)
	}
	return &workshop{dir: t.TempDir(), source: source, errors: map[string]error{}}
}

// make returns the file of an artifact, and makes first those its recipe names. A missing compiler skips the test.
func (w *workshop) make(t *testing.T, name string) string {
	t.Helper()
	if s, ok := fakes[name]; ok {
		file := filepath.Join(w.dir, name)
		if err := os.WriteFile(file, build(t, s), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	recipe, ok := recipes[name]
	if !ok {
		t.Fatalf("no recipe for %q", name)
	}
	for _, compiler := range []string{"gcc", "musl-gcc", "go"} {
		if _, err := exec.LookPath(compiler); err != nil && strings.Contains(" "+recipe, " "+compiler+" ") {
			t.Skipf("no %s here: %v", compiler, err)
		}
	}
	for word := range strings.FieldsSeq(recipe) {
		if part, ok := strings.CutPrefix(word, "$ART/"); ok {
			w.make(t, part)
		} else if word == "lib/libslash.so" {
			w.make(t, word)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	file := filepath.Join(w.dir, name)
	err, made := w.errors[name]
	if !made {
		err = w.run(recipe, file)
		w.errors[name] = err
	}
	if err != nil {
		t.Fatalf("making %s: %v", name, err)
	}
	return file
}

// run executes a recipe.
func (w *workshop) run(recipe, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", recipe)
	cmd.Env = append(os.Environ(), "OUT="+file, "SRC="+w.source, "ART="+w.dir, "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
