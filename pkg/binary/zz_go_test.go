package binary

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	for _, p := range filepathArgs() {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		st, _ := f.Stat()
		t0 := time.Now()
		b, err := Read(f, st.Size(), p)
		d := time.Since(t0)
		if err != nil {
			t.Log(p, err)
			continue
		}
		if b.Go != nil {
			b.Go.Deps = nil
		}
		b.ELF = nil
		j, _ := json.MarshalIndent(b, "", " ")
		fmt.Println(p, d, string(j))
	}
}
func filepathArgs() []string { return splitPath(os.Getenv("ZZ")) }
