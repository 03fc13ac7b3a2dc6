package layers

import (
	"bytes"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

// TestStack: what is laid over an image is merged like any layer, continues its history, and leaves the image as it was.
func TestStack(t *testing.T) {
	disk := fstest.MapFS{"app": {Data: []byte("\x7fELF and more")}}
	open := func(name string) func() (fs.File, error) { return func() (fs.File, error) { return disk.Open(name) } }
	base, err := Stack(nil, []Addition{{Step: Step{CreatedBy: "one"}, Files: []File{{Path: "etc/passwd", Data: []byte("x")}, {Path: "gone", Data: []byte("y")}}}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := Stack(base, []Addition{
		{Step: Step{CreatedBy: "two"}},
		{Step: Step{CreatedBy: "three"}, Files: []File{{Path: "app", Mode: 0o755, Size: 13, Open: open("app")}, {Path: ".wh.gone"}, {Path: "etc/passwd", Mode: 0o600}}},
		{Step: Step{CreatedBy: "four"}, Files: []File{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Step{{"one", "", false, 0}, {"two", "", true, -1}, {"three", "", false, 1}, {"four", "", false, 2}}; !slices.Equal(img.History, want) || len(img.Layers) != 3 || !img.Predicted {
		t.Errorf("%+v %+v", img.History, img.Layers)
	}
	e, ok := img.FS.Entry("/app")
	if !ok || !e.ELF || e.Layer != 1 || e.Mode != 0o755 {
		t.Errorf("%+v", e)
	}
	if e, _ := img.FS.Entry("/etc/passwd"); e.Mode != 0o600 || e.Layer != 1 {
		t.Errorf("%+v", e)
	}
	if _, ok := img.FS.Entry("/gone"); ok {
		t.Error("/gone is there")
	}
	f, err := img.FS.Open("app")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || !bytes.Equal(b, disk["app"].Data) {
		t.Errorf("%q, %v", b, err)
	}
	if _, ok := base.FS.Entry("/gone"); !ok || len(base.Layers) != 1 || len(base.History) != 1 {
		t.Error("the image below was changed")
	}
}

// TestLike: a file of one tree can be put into another, where it is the same.
func TestLike(t *testing.T) {
	from, err := New([]File{{Path: "a", Mode: 0o640, UID: 1, GID: 2, Data: []byte("text")}, {Path: "d/", Mode: fs.ModeDir | 0o700}, {Path: "l", Link: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, name := range []string{"a", "d", "l"} {
		f, ok := from.Like("/"+name, "/to/"+name)
		if !ok {
			t.Fatal(name)
		}
		files = append(files, f)
	}
	if _, ok := from.Like("/nope", "/x"); ok {
		t.Error("/nope is there")
	}
	img, err := Stack(nil, []Addition{{Files: files}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := img.FS.ReadFile("to/l")
	e, _ := img.FS.Entry("/to/a")
	if err != nil || string(b) != "text" || e.Mode != 0o640 || e.UID != 1 || e.GID != 2 {
		t.Errorf("%q, %v, %+v", b, err, e)
	}
	if d, _ := from.Like("/d", "/to/d"); !img.FS.Holds(d) {
		t.Error("a directory that is there is not held")
	}
	if d, _ := from.Like("/d", "/to/a"); img.FS.Holds(d) {
		t.Error("a file is held to be a directory")
	}
}
