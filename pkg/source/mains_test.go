package source

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// files makes a tree of a txtar text.
func files(text string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		m[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return m
}

const layout = `
-- go.mod --
module example.com/app/v2
go 1.25
replace example.com/lib => ./lib
ignore ./web
require example.com/lib v0.0.0
-- main.go --
package main
import ("example.com/app/v2/store"; "os/user")
-- main_windows.go --
package main
import "golang.org/x/sys/windows"
-- store/store.go --
package store
import ("database/sql"; _ "github.com/mattn/go-sqlite3")
-- cmd/tool/tool.go --
package main
import "example.com/lib"
-- cmd/tool/tool_test.go --
package main
import "testing"
-- cmd/tool/gen.go --
//go:build ignore

package gen
-- cmd/native/native.go --
package main
import "C"
-- cmd/both/c.go --
package main
import "C"
-- cmd/both/pure.go --
//go:build !cgo

package main
-- cmd/tagged/tagged.go --
//go:build special

package main
-- cmd/odd/a.go --
package main
-- cmd/odd/b.go --
package other
-- lib/go.mod --
module example.com/lib
-- lib/lib.go --
package lib
import "net/http"
-- lib/cmd/libtool/main.go --
package main
-- web/main.go --
package main
-- testdata/x/main.go --
package main
-- _old/main.go --
package main
-- vendor/example.com/y/main.go --
package main
-- docs/readme.md --
package main
`

func TestMains(t *testing.T) {
	want := []Main{
		{Dir: ".", ImportPath: "example.com/app/v2", Name: "app", Cgo: true, Imports: []string{"database/sql", "example.com/app/v2/store", "github.com/mattn/go-sqlite3", "os/user"}},
		{Dir: "cmd/both", ImportPath: "example.com/app/v2/cmd/both", Name: "both"},
		{Dir: "cmd/native", ImportPath: "example.com/app/v2/cmd/native", Name: "native", Cgo: true},
		{Dir: "cmd/tool", ImportPath: "example.com/app/v2/cmd/tool", Name: "tool", Imports: []string{"example.com/lib", "net/http"}},
	}
	got, err := Mains(files(layout))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	got, err = MainsFor(files(layout), Platform{GOOS: "windows", Tags: []string{"special"}})
	if err != nil || len(got) != 5 || !strings.Contains(strings.Join(got[0].Imports, " "), "windows") || got[3].Dir != "cmd/tagged" {
		t.Errorf("for windows with a tag: %+v, %v", got, err)
	}
}

// TestMainsOfWorkspace: the modules that go.work uses are built, each under its own path; what it replaces is read.
func TestMainsOfWorkspace(t *testing.T) {
	got, err := Mains(files(`
-- go.work --
go 1.25
use (
	./api
	./tools
	../outside
)
replace example.com/x => ./x
-- api/go.mod --
module example.com/api
-- api/main.go --
package main
import ("example.com/tools/kit"; "example.com/x")
-- tools/go.mod --
module example.com/tools
-- tools/kit/kit.go --
package kit
import "net"
-- tools/cmd/do/do.go --
package main
-- x/go.mod --
module example.com/fork/x
-- x/x.go --
package x
import "time"
-- x/main/main.go --
package main
`))
	want := []Main{
		{Dir: "api", ImportPath: "example.com/api", Name: "api", Imports: []string{"example.com/tools/kit", "example.com/x", "net", "time"}},
		{Dir: "tools/cmd/do", ImportPath: "example.com/tools/cmd/do", Name: "do"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestMainsOfVendor(t *testing.T) {
	got, err := Mains(files(`
-- go.mod --
module example.com/app
-- main.go --
package main
import "example.com/y"
-- vendor/modules.txt --
# example.com/y v1.0.0
-- vendor/example.com/y/y.go --
package y
import "C"
`))
	if err != nil || len(got) != 1 || !got[0].Cgo {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMainsWithoutModule(t *testing.T) {
	if _, err := Mains(files("-- main.go --\npackage main\n")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Mains(files("-- go.mod --\nmodule m\nx y\n")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestMainsOfThisModule reads a tree of a real size.
func TestMainsOfThisModule(t *testing.T) {
	got, err := Mains(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got {
		if m.Dir == "cmd/imgaudit" {
			if m.Name != "imgaudit" || m.Cgo || !strings.Contains(strings.Join(m.Imports, " "), "github.com/imgaudit/imgaudit/pkg/source") {
				t.Errorf("%+v", m)
			}
			return
		}
	}
	t.Errorf("cmd/imgaudit is not among %+v", got)
}

// TestBounds: a file of endless comments is read up to the bound.
func TestBounds(t *testing.T) {
	got, err := Mains(fstest.MapFS{
		"go.mod": {Data: []byte("module m\n")}, "a/a.go": {Data: []byte("//" + strings.Repeat("x", maxGoFile) + "\npackage main\n")}, "b/b.go": {Data: []byte("package main\n")},
	})
	if err != nil || len(got) != 1 || got[0].Dir != "b" {
		t.Errorf("got %+v, %v", got, err)
	}
}
