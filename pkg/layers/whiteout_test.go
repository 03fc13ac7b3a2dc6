package layers

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzWhiteouts merges layers of hostile names, one on each line, layers apart by an empty line. What the last layer
// hides is gone unless that layer puts it there again.
func FuzzWhiteouts(f *testing.F) {
	f.Add("a/b\nc\n\n.wh.a\nc/.wh..wh..opq")
	f.Add("a\n\na/.wh.b\n\n.wh..wh..opq\na/\n.wh..wh.plnk")
	f.Add("./a/../b\n\n/.wh.b/\n.wh.b\nb\n\n.wh..wh.")
	f.Fuzz(func(t *testing.T, text string) {
		var stack [][]File
		for layer := range strings.SplitSeq(text, "\n\n") {
			var files []File
			for name := range strings.SplitSeq(layer, "\n") {
				files = append(files, File{Path: name})
			}
			stack = append(stack, files)
		}
		tree, err := New(stack...)
		if err != nil {
			return
		}
		look(t, tree)
		for _, file := range stack[len(stack)-1] {
			dir, base := filepath.Split(filepath.Clean("/" + file.Path))
			hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
			if !ok || strings.HasPrefix(base, aufsPrefix) {
				continue
			}
			if e, there := tree.Entry(dir + hidden); there && e.Layer != len(stack)-1 && e.Layer >= 0 {
				t.Fatalf("%q of layer %d is there, though the last layer deletes it", e.Path, e.Layer)
			}
		}
	})
}
