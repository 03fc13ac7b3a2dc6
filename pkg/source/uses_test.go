package source

import (
	"reflect"
	"testing"
	"testing/fstest"
)

// TestUses reads what a program of three packages uses, one of which is foreign, and what none of its packages do.
func TestUses(t *testing.T) {
	root := fstest.MapFS{
		"go.mod":            {Data: []byte("module example.com/app\n\ngo 1.26\n")},
		"cmd/app/main.go":   {Data: []byte("package main\n\nimport (\n\tclock \"time\"\n\n\t\"example.com/app/web\"\n\t\"example.org/x/y\"\n)\n\nfunc main() {\n\tclock.LoadLocation(\"UTC\")\n\tweb.Serve()\n\ty.Y()\n}\n")},
		"web/web.go":        {Data: []byte("package web\n\nimport (\n\t\"embed\"\n\t\"os\"\n)\n\n//go:embed static all:templates/*\nvar files embed.FS\n\nfunc Serve() { os.Open(\"./web/static/a.css\"); os.ReadFile(\"none\"); os.DirFS(\"/web\"); os.CreateTemp(\"\", \"\"); os := one{}; os.MkdirTemp() }\n\ntype one struct{}\n\nfunc (one) MkdirTemp() {}\n")},
		"web/web_test.go":   {Data: []byte("package web\n\nimport \"os/user\"\n\nvar _, _ = user.Current()\n")},
		"web/static/a.css":  {},
		"other/other.go":    {Data: []byte("package other\n\nimport \"os/user\"\n\nvar _, _ = user.Current()\n")},
		"other/broken.go":   {Data: []byte("package other\n\nfunc {")},
		"web/templates/x.t": {},
	}
	mains, err := Mains(root)
	if err != nil || len(mains) != 1 {
		t.Fatal(mains, err)
	}
	got, err := UsesOf(root, mains[0], []string{"time.LoadLocation", "os.CreateTemp", "os/user.Current"})
	if err != nil {
		t.Fatal(err)
	}
	want := &Uses{
		Calls:   map[string]string{"time.LoadLocation": "cmd/app/main.go:11", "os.CreateTemp": "web/web.go:11"},
		Files:   map[string]string{"web/static/a.css": "Open in web/web.go:11"},
		Embeds:  []string{"all:web/templates/*", "web/static"},
		Foreign: []string{"example.org/x/y"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
