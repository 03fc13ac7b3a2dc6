package binary

import (
	"debug/elf"
	"os"
	"runtime"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// TestPlainAMD64 decodes the test's own text in both ways, from one instruction to the next.
// IMGAUDIT_BENCH_BINARY names another program.
func TestPlainAMD64(t *testing.T) {
	name := os.Getenv("IMGAUDIT_BENCH_BINARY")
	if name == "" {
		if runtime.GOARCH != "amd64" {
			t.Skip("the test itself is not for amd64")
		}
		var err error
		if name, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	text = text[:min(len(text), 16<<20)]
	plain, all, wrong := 0, 0, 0
	for i := 0; i < len(text)-16 && wrong < 20; {
		in, err := x86asm.Decode(text[i:i+15], 64)
		got, ok := plainAMD64(text[i:], int64(i))
		if err != nil {
			if ok {
				t.Errorf("at %#x % x: x86asm says %v, we %+v", i, text[i:i+12], err, got)
				wrong++
			}
			i++
			continue
		}
		all++
		if ok {
			plain++
		}
		if want := goesAMD64(in, int64(i)); ok && got != want {
			t.Errorf("at %#x % x %v: got %+v, want %+v", i, text[i:i+12], in, got, want)
			wrong++
		}
		i += in.Len
	}
	if plain < all*8/10 {
		t.Errorf("%d of %d instructions are plain", plain, all)
	}
	t.Logf("%d of %d instructions are plain", plain, all)
}
