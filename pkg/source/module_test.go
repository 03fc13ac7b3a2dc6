package source

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseModule(t *testing.T) {
	for _, test := range []struct {
		text string
		want Module
	}{
		{"module example.com/app\n\ngo 1.25.0\n\ntoolchain go1.26.1\n", Module{"example.com/app", "1.25.0", "go1.26.1", 3}},
		{"// a comment\nmodule \"example.com/app\" // another\r\ngo 1.22 // the least\r\n", Module{Path: "example.com/app", Go: "1.22", GoLine: 3}},
		{"module (\n\texample.com/app\n)\nrequire (\n\tgo v1.99.0\n\texample.com/toolchain v1.0.0\n)\n", Module{Path: "example.com/app"}},
		{"go 1.22\n", Module{Go: "1.22", GoLine: 1}},
		{"", Module{}},
		{"module m\nrequire example.com/x v1.2.3\nreplace go => ./go\ngodebug default=go1.21\n", Module{Path: "m"}},
	} {
		if m := ParseModule([]byte(test.text)); *m != test.want {
			t.Errorf("%q gives %+v, want %+v", test.text, m, test.want)
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
}

func FuzzParseModule(f *testing.F) {
	f.Add([]byte("module (\n\texample.com/app\n)\ngo 1.25\ntoolchain go1.26\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m := ParseModule(b); m.Go != "" && (m.GoLine < 1 || m.GoLine > bytes.Count(b, []byte("\n"))+1) {
			t.Errorf("the go line is line %d", m.GoLine)
		}
	})
}
