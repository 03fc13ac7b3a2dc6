package layers_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// serveEngine imitates an engine on a unix socket: it knows app:1 under its ID, and exports an archive of it.
func serveEngine(t testing.TB, socket string, export http.HandlerFunc) {
	t.Helper()
	const id = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	check(t, os.MkdirAll(filepath.Dir(socket), 0o755))
	l, err := net.Listen("unix", socket)
	check(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/images/app:1/json", "/images/registry.test:5000/team/app/json":
			fmt.Fprintf(w, `{"Id":%q,"RepoTags":["app:1"]}`, id)
		case "/images/" + id + "/get":
			export(w, r)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"message":"No such image: %s"}`, strings.Split(r.URL.Path, "/")[2])
		}
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
}

func serveFile(file string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(data)
	}
}

// TestEveryPassingSource: what comes through a pipe, from an engine or out of a packed file is the same image as from
// the file, and files that were not kept can be read later where the source is still there.
func TestEveryPassingSource(t *testing.T) {
	home := noSettings(t)
	img := app()
	built := img.Build(t)
	at := func(name string) string { return filepath.Join(home, name) }
	imagetest.WriteOCIArchive(t, at("oci.tar"), "1.0", built)
	imagetest.WriteDockerArchive(t, at("docker.tar"), []string{"example.test/app:1.0"}, built)
	imagetest.WriteOldDockerArchive(t, at("old.tar"), []string{"example.test/app:1.0"}, built)
	want, err := layers.Read(context.Background(), layers.DockerArchive, at("old.tar"), layers.Options{})
	check(t, err)
	for _, file := range []string{"oci.tar", "docker.tar", "old.tar"} {
		data, err := os.ReadFile(at(file))
		check(t, err)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(data)
		check(t, err)
		check(t, z.Close())
		write(t, at(file+".gz"), packed.String())
		for _, c := range []struct {
			kind   layers.Kind
			name   string
			stream io.Reader
		}{
			{layers.Stream, "-", bytes.NewReader(data)},
			{layers.Stream, "-", &packed},
			{layers.DockerArchive, at(file + ".gz"), nil},
			{layers.DockerArchive, at(file+".gz") + ":1.0", nil},
			{layers.Docker, "app:1", nil},
			{layers.Docker, "registry.test:5000/team/app", nil},
			{layers.Podman, "app:1", nil},
		} {
			t.Run(file+" "+string(c.kind)+" "+filepath.Base(c.name), func(t *testing.T) {
				if c.kind == layers.Docker || c.kind == layers.Podman {
					socket := filepath.Join(t.TempDir(), "s")
					t.Setenv(map[layers.Kind]string{layers.Docker: "DOCKER_HOST", layers.Podman: "CONTAINER_HOST"}[c.kind], "unix://"+socket)
					serveEngine(t, socket, serveFile(at(file)))
				}
				got, err := layers.Read(context.Background(), c.kind, c.name, layers.Options{Stream: c.stream, Offline: true})
				check(t, err)
				if got.FS == nil {
					t.Fatalf("unread %v", got.Unread)
				}
				list := listing
				if c.kind == layers.Stream {
					list = entries // the contents of the big one are gone
				}
				if a, b := list(t, got.FS), list(t, want.FS); a != b {
					t.Errorf("tree\n%.2000s\nwant\n%.2000s", a, b)
				}
				if !reflect.DeepEqual(got.Config, want.Config) || !reflect.DeepEqual(got.History, want.History) {
					t.Errorf("config %+v history %+v", got.Config, got.History)
				}
				for i, l := range got.Layers {
					if l.DiffID != want.Layers[i].DiffID || l.TarSize != want.Layers[i].TarSize || l.Entries != want.Layers[i].Entries {
						t.Errorf("layer %+v", l)
					}
				}
				source := map[bool]layers.Kind{true: layers.OCIArchive, false: layers.DockerArchive}[file == "oci.tar"]
				if c.kind == layers.Docker || c.kind == layers.Podman {
					source = c.kind
				}
				if got.Source != string(source) || got.Ref != c.name {
					t.Errorf("source %s ref %s", got.Source, got.Ref)
				}
				if _, err := got.FS.ReadFile("big"); (err == nil) != (c.kind != layers.Stream) {
					t.Errorf("a big file of %s: %v", c.kind, err)
				}
			})
		}
	}
}

// entries is a whole tree as text, without contents.
func entries(t testing.TB, f *layers.FS) string {
	t.Helper()
	var b strings.Builder
	check(t, f.Walk(func(e *layers.Entry) error {
		fmt.Fprintln(&b, e.Path, e.Mode, e.UID, e.GID, e.Size, e.Link, e.Caps, e.ELF, e.Layer)
		return nil
	}))
	return b.String()
}

func TestEngineFaults(t *testing.T) {
	home := noSettings(t)
	imagetest.WriteOldDockerArchive(t, filepath.Join(home, "app.tar"), []string{"app:1"}, small().Build(t))
	archive, err := os.ReadFile(filepath.Join(home, "app.tar"))
	check(t, err)
	socket := filepath.Join(home, "docker.sock")
	var export atomic.Value
	serveEngine(t, socket, func(w http.ResponseWriter, r *http.Request) { export.Load().(http.HandlerFunc)(w, r) })
	read := func(name string, opt layers.Options) error {
		_, err := layers.Read(context.Background(), layers.Docker, name, opt)
		return err
	}
	t.Setenv("DOCKER_HOST", "unix://"+socket)
	err = read("nope:1", layers.Options{})
	wantError(t, err, "reading docker:nope:1: unix://"+socket+": not found (404 Not Found, No such image: nope:1)")
	if !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("%v is no ErrNotFound", err)
	}
	for _, name := range []string{"../containers", "a?b", "a b", "", "-x", "a//b", "a%2f"} {
		wantError(t, read(name, layers.Options{}), "is no name or ID of an image")
	}
	for want, h := range map[string]http.HandlerFunc{
		"unexpected EOF": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(archive[:len(archive)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"500 Internal Server Error, disk full": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"message":"disk full"}`)
		},
		"neither manifest.json nor index.json": func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 1024)) },
		"307 Temporary Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		`no such platform: linux/s390x, the image is for linux/amd64`: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("platform") != `{"os":"linux","architecture":"s390x"}` {
				w.WriteHeader(500)
				return
			}
			_, _ = w.Write(archive)
		},
	} {
		export.Store(h)
		opt := layers.Options{}
		if strings.Contains(want, "platform") {
			opt.Platform = "linux/s390x"
		}
		wantError(t, read("app:1", opt), want)
	}
	t.Setenv("DOCKER_HOST", "ssh://host")
	wantError(t, read("app:1", layers.Options{}), "ssh://host: an engine is reached over unix:// or tcp://, not ssh")
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	wantError(t, read("app:1", layers.Options{}), "no engine: tcp://127.0.0.1:1: connect: connection refused")
	if err := read("app:1", layers.Options{Offline: true}); !errors.Is(err, layers.ErrOffline) {
		t.Errorf("over TCP when offline: %v", err)
	}
}

// TestWhereEnginesListen: each socket that was tried is named; docker's contexts are obeyed.
func TestWhereEnginesListen(t *testing.T) {
	home := noSettings(t)
	imagetest.WriteOldDockerArchive(t, filepath.Join(home, "app.tar"), []string{"app:1"}, small().Build(t))
	read := func(kind layers.Kind) error {
		_, err := layers.Read(context.Background(), kind, "app:1", layers.Options{})
		return err
	}
	err := read(layers.Podman)
	wantError(t, err, "no engine: unix://"+home+"/run/podman/podman.sock: connect: no such file or directory; unix:///run/podman/podman.sock: ")
	serveEngine(t, home+"/run/podman/podman.sock", serveFile(filepath.Join(home, "app.tar")))
	check(t, read(layers.Podman))

	serveEngine(t, home+"/c.sock", serveFile(filepath.Join(home, "app.tar")))
	write(t, home+"/.docker/config.json", `{"currentContext":"mine"}`)
	wantError(t, read(layers.Docker), "docker's context mine: ")
	write(t, home+"/.docker/contexts/meta/"+fmt.Sprintf("%x", sha256.Sum256([]byte("mine")))+"/meta.json", `{"Name":"mine","Endpoints":{"docker":{"Host":"unix://`+home+`/c.sock"}}}`)
	check(t, read(layers.Docker))
	t.Setenv("DOCKER_CONTEXT", "other")
	wantError(t, read(layers.Docker), "docker's context other: ")
}
