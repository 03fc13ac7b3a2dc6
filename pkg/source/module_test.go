package source

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseModule(t *testing.T) {
	for _, test := range []struct {
		text string
		want Module
		err  string
	}{
		{text: "module example.com/app\n\ngo 1.25.0\n\ntoolchain go1.26.1\n", want: Module{Path: "example.com/app", Go: "1.25.0", Toolchain: "go1.26.1", GoLine: 3}},
		{text: "// a comment\nmodule \"example.com/app\" // another\r\ngo 1.22 // the least\r\n", want: Module{Path: "example.com/app", Go: "1.22", GoLine: 3}},
		{text: "module (\n\texample.com/app\n)\nrequire (\n\tgo v1.99.0\n\texample.com/toolchain v1.0.0 // indirect\n)\n",
			want: Module{Path: "example.com/app", Requires: []Require{{Path: "go", Version: "v1.99.0"}, {"example.com/toolchain", "v1.0.0", true}}}},
		{text: "go 1.22\n", want: Module{Go: "1.22", GoLine: 1}},
		{text: ""},
		{text: "module m\nrequire example.com/x v1.0.0\nreplace example.com/x => ./x\nreplace example.com/y v1.2.3 => example.com/z v1.0.0\ngodebug default=go1.21\n",
			want: Module{Path: "m", Requires: []Require{{Path: "example.com/x", Version: "v1.0.0"}},
				Replaces: []Replace{{Old: "example.com/x", New: "./x", Local: true}, {Old: "example.com/y", OldVersion: "v1.2.3", New: "example.com/z", NewVersion: "v1.0.0"}}}},
		{text: "module m\n\nrequire example.com/x\n", err: "reading go.mod: go.mod:3: usage: require module/path v1.2.3"},
		{text: "module m\nrequire example.com/x master\n", err: "reading go.mod: go.mod:2: require example.com/x: version \"master\" invalid: must be of the form v1.2.3"},
		{text: "module m\ngo 1.22\nfrobnicate x\n", err: "reading go.mod: go.mod:3: unknown directive: frobnicate"},
		{text: "module m\ngo 1.99\nfrobnicate x\n", want: Module{Path: "m", Go: "1.99", GoLine: 2}},
		{text: "module m\ngo banana\n", err: "reading go.mod: go.mod:2: invalid go version 'banana': must match format 1.23.0"},
		{text: "<<<<<<< HEAD\nmodule m\n", err: "reading go.mod: go.mod:1: unknown directive: <<<<<<<"},
	} {
		m, err := ParseModule([]byte(test.text))
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%q gives the error %v, want %s", test.text, err, test.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(*m, test.want) {
			t.Errorf("%q gives %+v, %v, want %+v", test.text, m, err, test.want)
		}
	}
}

func TestReadModule(t *testing.T) {
	if _, err := ReadModule(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory gives %v, want %v", err, fs.ErrNotExist)
	}
	m, err := ReadModule(fstest.MapFS{"go.mod": {Data: []byte("module m\n" + strings.Repeat("\n", maxModFile-9))}})
	if err != nil || m.Path != "m" {
		t.Errorf("a file of the largest size gives %+v, %v", m, err)
	}
	if _, err := ReadModule(fstest.MapFS{"go.mod": {Data: []byte("module m\n" + strings.Repeat("\n", maxModFile-8))}}); err == nil {
		t.Error("a file of one byte more is read")
	}
	m, err = ReadModule(fstest.MapFS{
		"go.mod": {Data: []byte("module m\n")}, "go.sum": {}, "vendor/modules.txt": {}, "go.work.sum": {},
		"go.work": {Data: []byte("go 1.24\nuse (\n\t.\n\t./lib\n)\nreplace example.com/x => ../x\n")},
	})
	want := Module{Path: "m", Sum: true, Vendored: true, Work: &Workspace{Go: "1.24", Uses: []string{".", "./lib"}, Sum: true,
		Replaces: []Replace{{Old: "example.com/x", New: "../x", Local: true}}}}
	if err != nil || !reflect.DeepEqual(*m, want) {
		t.Errorf("got %+v, %v, want %+v", m, err, want)
	}
	_, err = ReadModule(fstest.MapFS{"go.mod": {Data: []byte("module m\n")}, "go.work": {Data: []byte("go 1.24\nuses .\n")}})
	if err == nil || err.Error() != "reading go.work: go.work:2: unknown directive: uses" {
		t.Errorf("a wrong go.work gives %v", err)
	}
}

func FuzzParseModule(f *testing.F) {
	f.Add([]byte("module (\n\texample.com/app\n)\ngo 1.25\ntoolchain go1.26\n"))
	f.Add([]byte("module m\nignore ./x\nreplace (\n\ta => ../a\n)\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseModule(b); err == nil && m.Go != "" && (m.GoLine < 1 || m.GoLine > bytes.Count(b, []byte("\n"))+1) {
			t.Errorf("the go line is line %d", m.GoLine)
		}
		_, _ = ParseWorkspace(b)
	})
}
