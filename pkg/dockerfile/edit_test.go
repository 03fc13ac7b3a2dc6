package dockerfile_test

import (
	"bytes"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

func edit(start, end int, text string) dockerfile.Edit {
	return dockerfile.Edit{New: text, Span: dockerfile.Span{
		Start: dockerfile.Position{Offset: start}, End: dockerfile.Position{Offset: end},
	}}
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, want string
		edits      []dockerfile.Edit
	}{
		{"none", "0123456789", nil},
		{"replace, insert, delete, in any order", "a0x12c789", []dockerfile.Edit{edit(3, 7, "c"), edit(1, 1, "x"), edit(0, 0, "a")}},
		{"side by side", "ab23456789", []dockerfile.Edit{edit(1, 2, "b"), edit(0, 1, "a")}},
		{"insertions keep their order", "0ab123456789", []dockerfile.Edit{edit(1, 1, "a"), edit(1, 1, "b")}},
		{"insertion before a replacement", "0ab23456789", []dockerfile.Edit{edit(1, 2, "b"), edit(1, 1, "a")}},
		{"at the end", "0123456789z", []dockerfile.Edit{edit(10, 10, "z")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dockerfile.Apply([]byte("0123456789"), tt.edits)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "text", string(got), tt.want)
		})
	}
	for _, wrong := range [][]dockerfile.Edit{
		{edit(1, 3, ""), edit(2, 4, "")}, {edit(1, 3, ""), edit(2, 2, "x")}, {edit(1, 2, ""), edit(1, 2, "")},
		{edit(9, 11, "")}, {edit(-1, 2, "")}, {edit(3, 2, "")},
	} {
		if got, err := dockerfile.Apply([]byte("0123456789"), wrong); err == nil {
			t.Errorf("%v gave %q", wrong, got)
		}
	}
}

// FuzzApply: without edits nothing changes; with two, every byte outside them is kept.
func FuzzApply(f *testing.F) {
	f.Add([]byte("FROM a\r\nUSER 1\r\n"), 0, 4, 13, 14, "x")
	f.Add([]byte(""), 0, 0, 0, 0, "x")
	f.Add([]byte("abc"), 2, 3, 1, 2, "")
	f.Fuzz(func(t *testing.T, src []byte, a, b, c, d int, text string) {
		same, err := dockerfile.Apply(src, nil)
		if err != nil || !bytes.Equal(same, src) {
			t.Fatalf("no edits: %q, %v", same, err)
		}
		before := bytes.Clone(src)
		got, err := dockerfile.Apply(src, []dockerfile.Edit{edit(a, b, text), edit(c, d, text)})
		if !bytes.Equal(src, before) {
			t.Fatal("the source was changed")
		}
		if a > c {
			a, b, c, d = c, d, a, b
		}
		if valid := 0 <= a && a <= b && b <= c && c <= d && d <= len(src); err != nil {
			if valid {
				t.Fatal(err)
			}
			return
		}
		if a == c && b > c { // the insertion stands first
			a, b, c, d = c, d, a, b
		}
		if want := string(src[:a]) + text + string(src[b:c]) + text + string(src[d:]); string(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
