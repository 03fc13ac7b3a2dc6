package prove

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"
)

// TestHolderProgram: what the programs do, as disassemblers read it; docker runs the one of this machine in other tests.
func TestHolderProgram(t *testing.T) {
	want := map[string]string{
		"amd64": "MOV EAX, 0x22; SYSCALL; JMP .-9",
		"arm64": "MOV X0, #0x0; MOV X1, #0x0; MOV X2, #0x0; MOV X3, #0x0; MOV X8, #0x49; SVC #0x0; B .+0xffffffffffffffe8",
	}
	for arch, text := range want {
		program, err := holderProgram(arch)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		load := f.Progs[0]
		if len(f.Progs) != 1 || load.Type != elf.PT_LOAD || load.Flags != elf.PF_R|elf.PF_X || load.Filesz != uint64(len(program)) || f.Entry != load.Vaddr+uint64(len(program)-len(holderCode[arch].code)) {
			t.Errorf("%s: entry %#x, %+v", arch, f.Entry, load.ProgHeader)
		}
		var said []string
		for code := program[f.Entry-load.Vaddr:]; len(code) > 0; {
			if arch == "arm64" {
				in, err := arm64asm.Decode(code)
				if err != nil {
					t.Fatal(err)
				}
				said, code = append(said, in.String()), code[4:]
				continue
			}
			in, err := x86asm.Decode(code, 64)
			if err != nil {
				t.Fatal(err)
			}
			said, code = append(said, in.String()), code[in.Len:]
		}
		if got := strings.Join(said, "; "); got != text {
			t.Errorf("%s: %s, want %s", arch, got, text)
		}
	}
	if _, err := holderProgram("vax"); err == nil {
		t.Error("there is a program for an unknown machine")
	}
}

// TestElsewhere: a daemon whose containers are not among this machine's processes is not believed.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "docker")
	script := "#!/bin/sh\necho \"$@\" >> " + dir + "/log\ncase $1 in inspect) echo 1 /x/resolv.conf;; run) echo 0123456789ab > $6;; esac\n"
	syscall.ForkLock.RLock() // no process that is started meanwhile holds the file open for writing
	failed := os.WriteFile(fake, []byte(script), 0o755)
	syscall.ForkLock.RUnlock()
	if failed != nil {
		t.Fatal(failed)
	}
	c := &cli{Engine: &Engine{Kind: Docker, Path: fake}, dir: dir}
	_, err := c.network(context.Background(), Run{dir: dir, label: "imgaudit-prove-1"})
	var elsewhere *Elsewhere
	if !errors.As(err, &elsewhere) || elsewhere.Hint() == "" {
		t.Errorf("%v, want an error that its containers are elsewhere", err)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	for _, want := range []string{"rm --force --volumes 0123456789ab\n", "rmi --no-prune localhost/" + filepath.Base(dir) + ":network\n"} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}
