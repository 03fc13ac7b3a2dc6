package matrix

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// levelled is a way to build for a family of processors, in the order of what they ask for, and which processors have that.
type levelled struct {
	arch, setting string
	emulator      string
	levels        []string // values of the setting
	told          []string // Layout.CPU of each
	processors    []string // of the emulator
	has           []int    // how many of the levels each processor has
	says          string   // what a program prints on a lesser one, with {}; "" if it is killed by SIGILL
}

// Source: the emulators' lists of processors (`qemu-arm-static -cpu help`) and what these are: Nehalem is of x86-64-v2,
// Haswell of v3; ARM926 is of ARMv5, ARM1176 of v6, Cortex-A7 of v7; Cortex-A72 is of ARMv8.0, and "max" has it all.
var processors = []levelled{
	{"amd64", "GOAMD64", "qemu-x86_64-static", []string{"v1", "v2", "v3", "v4"}, []string{"", "v2", "v3", "v4"},
		[]string{"qemu64", "Nehalem", "Haswell"}, []int{1, 2, 3}, "This program can only be run on AMD64 processors with {} microarchitecture support."},
	{"arm", "GOARM", "qemu-arm-static", []string{"5", "6", "7"}, []string{"", "v6", "v7"},
		[]string{"arm926", "arm1176", "cortex-a7"}, []int{1, 2, 3}, ""},
	{"arm64", "GOARM64", "qemu-aarch64-static", []string{"v8.0", "v8.1,lse", "v9.0"}, []string{"", "v8.1,lse", "v9.0"},
		[]string{"cortex-a72", "max"}, []int{1, 3}, ""},
}

// TestProcessors builds a program for each level, reads which it wants, and runs it on an emulated processor that has it
// and on one that has not.
func TestProcessors(t *testing.T) {
	if !full() {
		t.Skip("compiles the runtime ten times and takes 60 MB of emulators: set IMGAUDIT_MATRIX=all")
	}
	source := t.TempDir()
	write(t, filepath.Join(source, "go.mod"), []byte(goMod))
	write(t, filepath.Join(source, "main.go"), []byte("package main\n\nfunc main() { println(\"hello\") }\n"))
	emulators := filepath.Join(unpack(t, t.TempDir(), "qemu-user-static"), "usr/bin")
	for _, p := range processors {
		for i, level := range p.levels {
			t.Run(p.setting+"="+level, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "app")
				v := variant{name: level, env: []string{"CGO_ENABLED=0", "GOARCH=" + p.arch, p.setting + "=" + level}, args: stripped}
				v.compile(t, source, out, ".")
				told := read(t, out).Layout.CPU
				if told != p.told[i] {
					t.Errorf("wants %q, is said to want %q", p.told[i], told)
				}
				for j, processor := range p.processors {
					p.try(t, filepath.Join(emulators, p.emulator), processor, out, told, slices.Index(p.told, told) < p.has[j])
				}
			})
		}
	}
}

// try runs a program on a processor.
func (p levelled) try(t *testing.T, emulator, processor, program, level string, runs bool) {
	t.Helper()
	out, err := exec.Command(emulator, "-cpu", processor, program).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	want := "hello\n"
	switch {
	case !runs && p.says != "":
		want = strings.ReplaceAll(p.says, "{}", level)
	case !runs:
		want = "Illegal instruction"
	}
	if !bytes.Contains(out, []byte(want)) || runs != (err == nil) {
		t.Errorf("on %s: foretold %q, seen %v: %s", processor, want, err, out)
	}
}
