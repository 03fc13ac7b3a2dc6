package repair_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imgaudit/imgaudit/pkg/repair"
)

// TestReadMake reads builds out of Makefiles: what is taken over, and what is lost.
func TestReadMake(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"flags that change nothing", "build:\n\t@go build -v -trimpath -ldflags '-s -w' -o bin/app ./cmd/app\n", "Makefile:2 [./cmd/app] [] [] []"},
		{"values of variables", "V = 1.0\nL := -X main.v=$(V)\nbuild:\n\tgo build -tags=a,b -ldflags=\"$(L)\" .\n", "Makefile:4 [.] [a b] [main.v=1.0] []"},
		{"a value with a space", "build:\n\tgo build -ldflags \"-X 'main.v=a b'\"\n", "Makefile:2 [] [] [main.v=a b] []"},
		{"a default", "V ?= dev\nV += 2\nbuild:\n\tgo build -ldflags \"-X 'main.v=${V}'\"\n", "Makefile:4 [] [] [main.v=dev 2] []"},
		{"a value of a command", "V := $(shell git describe)\nbuild:\n\tgo build -ldflags \"-X main.v=$(V)\"\n", "Makefile:3 [] [] [] [-ldflags=\"-X main.v=$(shell git describe)\"]"},
		{"a value that a condition gives", "V = 1\nifdef CI\nV = 2\nendif\nbuild:\n\tgo build -tags $(V)\n", "Makefile:6 [] [] [] [-tags=$(V)]"},
		{"a variable that nobody sets", "build:\n\tgo build $(FLAGS) -o app .\n", "Makefile:2 [.] [] [] [$(FLAGS)]"},
		{"a flag of the linker", "build:\n\tgo build -ldflags '-X main.v=1 -linkmode external'\n", "Makefile:2 [] [] [] [-ldflags=-X main.v=1 -linkmode external]"},
		{"a quote in a value", "build:\n\tgo build -ldflags '-X main.v=$$HOME'\n", "Makefile:2 [] [] [] [-ldflags=-X main.v=$HOME]"},
		{"the environment", "build:\n\tCGO_ENABLED=0 GOEXPERIMENT=jsonv2 GOFLAGS=-tags=x go build .\n", "Makefile:2 [.] [x] [] [GOEXPERIMENT=jsonv2]"},
		{"lines that go on", "build:\n\tgo build \\\n\t\t-race \\\n\t\t./...\n", "Makefile:2 [./...] [] [] [-race]"},
		{"no shell", "build:\n\tgo build 'x\n", "Makefile:2 [] [] [] [a command that cannot be read]"},
		{"no build", "test:\n\tgo test ./...\n\techo go build\n", ""},
		{"a value of itself", "V = $(V)x\nbuild:\n\tgo build -tags '$(V)'\n", "Makefile:3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, b := range repair.ReadMake(fstest.MapFS{"Makefile": {Data: []byte(test.text)}}) {
				got = append(got, fmt.Sprint(b.At, " ", b.Packages, " ", b.Tags, " ", b.Values, " ", b.Lost))
			}
			if all := strings.Join(got, "\n"); all != test.want && (test.want != "Makefile:3" || !strings.HasPrefix(all, test.want)) {
				t.Errorf("%s\nwant %s", all, test.want)
			}
		})
	}
}

func FuzzReadMake(f *testing.F) {
	f.Add("V = 1\nbuild:\n\tgo build -ldflags \"-X main.v=$(V)\" .\n")
	f.Add("define x\nendef\nV += $(V)$(V)\nb:\n\tgo build $(V)\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range repair.ReadMake(fstest.MapFS{"Makefile": {Data: []byte(text)}}) {
			for _, v := range b.Values {
				if strings.ContainsAny(v, "\"'`$\\\n") {
					t.Errorf("a value that a shell reads otherwise: %q", v)
				}
			}
		}
	})
}
