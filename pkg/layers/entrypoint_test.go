package layers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// elf is a program as far as Process looks into it.
var elf = []byte("\x7fELF\x02\x01\x01")

func program(path string) layers.File { return layers.File{Path: path, Mode: 0o755, Data: elf} }

func script(path, text string) layers.File {
	return layers.File{Path: path, Mode: 0o755, Data: []byte(text)}
}

// launches are images whose start is predicted and, in TestProcessAsRunc, tried.
var launches = []struct {
	name   string
	files  []layers.File
	config layers.Config
	want   layers.Process // Argv and Searched are not compared
}{
	{"absolute", []layers.File{program("app")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Program: "/app"}},
	{"missing", nil, layers.Config{Cmd: []string{"/nope"}},
		layers.Process{Fault: "not found", At: "/nope", Message: `exec: "/nope": stat /nope: no such file or directory`}},
	{"shell form on scratch", []layers.File{program("app")}, layers.Config{Entrypoint: []string{"/bin/sh", "-c", "/app"}},
		layers.Process{Fault: "not found", At: "/bin", Message: `exec: "/bin/sh": stat /bin/sh: no such file or directory`}},
	{"bare name in the default PATH", []layers.File{program("usr/bin/app")}, layers.Config{Entrypoint: []string{"app"}},
		layers.Process{Path: "/usr/bin/app", Real: "/usr/bin/app", Program: "/usr/bin/app"}},
	{"bare name in PATH", []layers.File{program("opt/bin/app"), program("usr/bin/app")},
		layers.Config{Entrypoint: []string{"app"}, Env: []string{"PATH=/nowhere:/opt/bin:/usr/bin"}},
		layers.Process{Path: "/opt/bin/app", Real: "/opt/bin/app", Program: "/opt/bin/app"}},
	{"bare name outside PATH", []layers.File{program("app")}, layers.Config{Entrypoint: []string{"app"}},
		layers.Process{Fault: "not found", Message: `exec: "app": executable file not found in $PATH`}},
	{"bare name in an empty PATH", []layers.File{program("usr/bin/app")}, layers.Config{Entrypoint: []string{"app"}, Env: []string{"PATH="}},
		layers.Process{Fault: "not found", Message: `exec: "app": executable file not found in $PATH`}},
	{"PATH passes over what cannot be executed", []layers.File{file("a/app", "x"), {Path: "b/app/"}, program("c/app")},
		layers.Config{Entrypoint: []string{"app"}, Env: []string{"PATH=/a:/b:/c"}},
		layers.Process{Path: "/c/app", Real: "/c/app", Program: "/c/app"}},
	{"PATH with the working directory", []layers.File{program("srv/app")},
		layers.Config{Entrypoint: []string{"app"}, Env: []string{"PATH=:/bin"}, WorkingDir: "/srv"},
		layers.Process{Path: "/srv/app", Real: "/srv/app", Fault: "not found", At: "/srv/app",
			Message: `exec: "app": cannot run executable found relative to current directory`}},
	{"relative to the working directory", []layers.File{program("srv/app")}, layers.Config{Entrypoint: []string{"./app"}, WorkingDir: "/srv"},
		layers.Process{Path: "/srv/app", Real: "/srv/app", Program: "/srv/app"}},
	{"relative elsewhere", []layers.File{program("app")}, layers.Config{Entrypoint: []string{"./app"}, WorkingDir: "/srv"},
		layers.Process{Fault: "not found", At: "/srv", Message: `exec: "./app": stat ./app: no such file or directory`}},
	{"relative from a closed directory", []layers.File{{Path: "root/", Mode: fs.ModeDir | 0o700}, program("root/x/app")},
		layers.Config{Entrypoint: []string{"./app"}, WorkingDir: "/root/x", User: "65532:65532"},
		layers.Process{Path: "/root/x/app", Real: "/root/x/app", Program: "/root/x/app"}},
	{"relative in a closed directory", []layers.File{{Path: "root/", Mode: fs.ModeDir | 0o700}, program("root/app")},
		layers.Config{Entrypoint: []string{"./app"}, WorkingDir: "/root", User: "65532:65532"},
		layers.Process{Fault: "not reachable", At: "/root", Message: `exec: "./app": stat ./app: permission denied`}},
	{"behind a closed directory", []layers.File{{Path: "root/", Mode: fs.ModeDir | 0o700}, program("root/app")},
		layers.Config{Entrypoint: []string{"/root/app"}, User: "65532:65532"},
		layers.Process{Fault: "not reachable", At: "/root", Message: `exec: "/root/app": stat /root/app: permission denied`}},
	{"behind a closed directory, root", []layers.File{{Path: "root/", Mode: fs.ModeDir | 0o700, UID: 1000}, program("root/app")},
		layers.Config{Entrypoint: []string{"/root/app"}}, layers.Process{Path: "/root/app", Real: "/root/app", Program: "/root/app"}},
	{"no x bit", []layers.File{{Path: "app", Data: elf}}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Fault: "not executable", At: "/app", Message: `exec: "/app": permission denied`}},
	{"x for others only, as root", []layers.File{{Path: "app", Mode: 0o001, Data: elf}}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Program: "/app"}},
	{"x for the owner only", []layers.File{{Path: "app", Mode: 0o744, Data: elf}}, layers.Config{Entrypoint: []string{"/app"}, User: "65532:65532"},
		layers.Process{Path: "/app", Real: "/app", Fault: "not executable", At: "/app", Message: `exec: "/app": permission denied`, Variants: []string{"exec /app: permission denied"}}},
	{"x for a supplementary group", []layers.File{{Path: "app", Mode: 0o710, GID: 7, Data: elf}, file("etc/passwd", "a:x:5:5::/:\n"), file("etc/group", "g:x:7:a\n")},
		layers.Config{Entrypoint: []string{"/app"}, User: "a"}, layers.Process{Path: "/app", Real: "/app", Program: "/app"}},
	{"owner without x whose group has it", []layers.File{{Path: "app", Mode: 0o655, UID: 5, GID: 5, Data: elf}},
		layers.Config{Entrypoint: []string{"/app"}, User: "5:5"},
		layers.Process{Path: "/app", Real: "/app", Fault: "not executable", At: "/app", Message: `exec: "/app": permission denied`, Variants: []string{"exec /app: permission denied"}}},
	{"a directory", []layers.File{{Path: "app/"}}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Fault: "directory", At: "/app", Message: `exec: "/app": is a directory`, Variants: []string{`exec: "/app": permission denied`}}},
	{"a file as a directory", []layers.File{program("app")}, layers.Config{Entrypoint: []string{"/app/x"}},
		layers.Process{Fault: "not found", At: "/app", Message: `exec: "/app/x": stat /app/x: not a directory`}},
	{"through links", []layers.File{program("opt/real"), link("opt/a", "/opt/real"), link("app", "opt/a")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/opt/real", Program: "/opt/real"}},
	{"a loop of links", []layers.File{link("app", "b"), link("b", "app")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Fault: "not found", At: "/app", Message: `exec: "/app": stat /app: too many levels of symbolic links`}},
	{"a dangling link", []layers.File{link("app", "/opt/x")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Fault: "not found", At: "/opt", Message: `exec: "/app": stat /app: no such file or directory`}},
	{"an empty file", []layers.File{script("app", "")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Fault: "bad format", At: "/app", Message: "exec /app: exec format error"}},
	{"a script without #!", []layers.File{script("app", "echo hello\n")}, layers.Config{Entrypoint: []string{"/app"}},
		layers.Process{Path: "/app", Real: "/app", Fault: "bad format", At: "/app", Message: "exec /app: exec format error"}},
	{"a script", []layers.File{script("run.sh", "#! /bin/sh  -e \nx\n"), program("bin/sh")}, layers.Config{Entrypoint: []string{"/run.sh"}},
		layers.Process{Path: "/run.sh", Real: "/run.sh", Program: "/bin/sh",
			Script: []layers.Shebang{{File: "/run.sh", Interpreter: "/bin/sh", Arg: "-e"}}}},
	{"a script without its interpreter", []layers.File{script("run.sh", "#!/bin/bash\nx\n")}, layers.Config{Entrypoint: []string{"/run.sh"}},
		layers.Process{Path: "/run.sh", Real: "/run.sh", Fault: "interpreter not found", At: "/bin", Message: "exec /run.sh: no such file or directory",
			Script: []layers.Shebang{{File: "/run.sh", Interpreter: "/bin/bash"}}}},
	{"a script with CRLF", []layers.File{script("run.sh", "#!/bin/sh\r\nx\r\n"), program("bin/sh")}, layers.Config{Entrypoint: []string{"/run.sh"}},
		layers.Process{Path: "/run.sh", Real: "/run.sh", Fault: "interpreter not found", At: "/bin/sh\r", Message: "exec /run.sh: no such file or directory",
			Script: []layers.Shebang{{File: "/run.sh", Interpreter: "/bin/sh\r"}}}},
	{"a script of a script", []layers.File{script("a", "#!/b x y\n"), script("b", "#!/c\n"), program("c")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Program: "/c",
			Script: []layers.Shebang{{File: "/a", Interpreter: "/b", Arg: "x y"}, {File: "/b", Interpreter: "/c"}}}},
	{"a script of itself", []layers.File{script("a", "#!/a\n")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Fault: "bad format", At: "/a", Message: "exec /a: too many levels of symbolic links",
			Script: []layers.Shebang{{File: "/a", Interpreter: "/a"}, {File: "/a", Interpreter: "/a"}, {File: "/a", Interpreter: "/a"},
				{File: "/a", Interpreter: "/a"}, {File: "/a", Interpreter: "/a"}}}},
	{"a script whose interpreter has no x bit", []layers.File{script("a", "#!/b\n"), file("b", "x")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Fault: "not executable", At: "/b", Message: "exec /a: permission denied",
			Script: []layers.Shebang{{File: "/a", Interpreter: "/b"}}}},
	{"a script whose interpreter is a directory", []layers.File{script("a", "#!/b\n"), {Path: "b/"}}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Fault: "not executable", At: "/b", Message: "exec /a: permission denied",
			Script: []layers.Shebang{{File: "/a", Interpreter: "/b"}}}},
	{"a script with a relative interpreter", []layers.File{script("srv/a", "#!b\n"), program("srv/b")},
		layers.Config{Entrypoint: []string{"/srv/a"}, WorkingDir: "/srv"},
		layers.Process{Path: "/srv/a", Real: "/srv/a", Program: "/srv/b", Script: []layers.Shebang{{File: "/srv/a", Interpreter: "b"}}}},
	{"a script with an empty #!", []layers.File{script("a", "#! \n/bin/sh\n")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Fault: "bad format", At: "/a", Message: "exec /a: exec format error"}},
	{"a script of one line without a newline", []layers.File{script("a", "#!/b"), program("b")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Program: "/b", Script: []layers.Shebang{{File: "/a", Interpreter: "/b"}}}},
	{"a script with too long an interpreter", []layers.File{script("a", "#!/"+strings.Repeat("b", 300)+"\n")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Fault: "bad format", At: "/a", Message: "exec /a: exec format error"}},
	{"a script with too long an argument", []layers.File{script("a", "#!/b "+strings.Repeat("c", 300)+"\n"), program("b")}, layers.Config{Entrypoint: []string{"/a"}},
		layers.Process{Path: "/a", Real: "/a", Program: "/b", Script: []layers.Shebang{{File: "/a", Interpreter: "/b", Arg: strings.Repeat("c", 251)}}}},
}

func predict(t *testing.T, files []layers.File, config layers.Config) layers.Process {
	t.Helper()
	img := &layers.Image{FS: tree(t, files), Config: config}
	return img.Process(img.FS.Identity(config.User))
}

func TestProcess(t *testing.T) {
	for _, c := range launches {
		t.Run(c.name, func(t *testing.T) {
			got := predict(t, c.files, c.config)
			if len(got.Argv) == 0 || len(got.Searched) == 0 && c.config.Env == nil {
				t.Errorf("argv %q searched %q", got.Argv, got.Searched)
			}
			got.Argv, got.Searched = nil, nil
			if g, w := asJSON(t, got), asJSON(t, c.want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
}

func TestProcessWithoutACommandOrUser(t *testing.T) {
	if p := predict(t, nil, layers.Config{}); p.Fault != "no command" || p.Message != "no command specified" {
		t.Errorf("no command: %+v", p)
	}
	p := predict(t, []layers.File{program("app")}, layers.Config{User: "app", Cmd: []string{"/app"}})
	if p.Fault != "user" || p.Message != "unable to find user app: no matching entries in passwd file" {
		t.Errorf("unknown user: %+v", p)
	}
	p = predict(t, []layers.File{program("app")}, layers.Config{Entrypoint: []string{"/app", "-a"}, Cmd: []string{"-b"}})
	if strings.Join(p.Argv, " ") != "/app -a -b" {
		t.Errorf("argv %q", p.Argv)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestProcessAsRunc starts every launch with runc and compares what it says.
func TestProcessAsRunc(t *testing.T) {
	needRoot(t)
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Skip("no runc: cannot compare with a run-time")
	}
	real := probe(t)
	state := t.TempDir()
	for i, c := range launches {
		t.Run(c.name, func(t *testing.T) {
			var files []layers.File
			for _, f := range c.files {
				if bytes.Equal(f.Data, elf) {
					f.Data = real
				}
				files = append(files, f)
			}
			want := predict(t, files, c.config)
			bundle := t.TempDir()
			writeBundle(t, bundle, unpack(t, files), c.config, tree(t, files).Identity(c.config.User), want.Argv)
			out, err := exec.Command(runc, "--root", state, "run", "--bundle", bundle, fmt.Sprintf("imgaudit-test-%d-%d", os.Getpid(), i)).CombinedOutput()
			text := said(out)
			switch {
			case want.Fault == "" && (err != nil || !strings.Contains(text, "ran")):
				t.Errorf("predicted to run, runc: %v %s", err, text)
			case want.Fault != "" && err == nil:
				t.Errorf("predicted %q, but it ran", want.Message)
			case want.Fault != "" && text != want.Message && !slices.Contains(want.Variants, text):
				t.Errorf("predicted %s\nrunc said %s", want.Message, text)
			}
		})
	}
}

// said is what runc complains of, without what is in front of every complaint.
func said(out []byte) string {
	text := strings.TrimSpace(strings.ReplaceAll(string(out), `\"`, `"`))
	if _, rest, ok := strings.Cut(text, "unable to start container process: "); ok {
		return strings.TrimSuffix(rest, `"`)
	}
	return text
}

// writeBundle writes runc's config.json as Docker would have it.
func writeBundle(t *testing.T, dir, root string, config layers.Config, id layers.Identity, argv []string) {
	t.Helper()
	env := config.Env
	if _, ok := config.Getenv("PATH"); !ok {
		env = append(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	cwd := config.WorkingDir
	if cwd == "" {
		cwd = "/"
	}
	caps := []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID"}
	capabilities := map[string]any{"bounding": caps}
	if id.UID == 0 {
		capabilities["effective"], capabilities["permitted"] = caps, caps
	}
	groups := append([]int{id.GID}, id.Groups...)
	spec := map[string]any{
		"ociVersion": "1.0.2",
		"process": map[string]any{
			"user": map[string]any{"uid": id.UID, "gid": id.GID, "additionalGids": groups},
			"args": argv, "env": env, "cwd": cwd, "capabilities": capabilities, "noNewPrivileges": true,
		},
		"root":   map[string]any{"path": root},
		"mounts": []map[string]any{{"destination": "/proc", "type": "proc", "source": "proc"}},
		"linux":  map[string]any{"namespaces": []map[string]string{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}}},
	}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
