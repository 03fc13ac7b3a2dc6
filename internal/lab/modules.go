package lab

import (
	"archive/zip"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// ModulesAt is where the stand-ins of golang look for modules: GOPROXY in testdata/standins/Dockerfile.
const ModulesAt = "127.0.0.1:5058"

// modulesPatience is how long another test run may hold the address: that of all of internal/builds.
const modulesPatience = 20 * time.Minute

// ServeModules serves this machine's module cache, which has the form of a module proxy, and the modules that the cases
// make up. It waits for another test run that serves at the same address. Source: go.dev/ref/mod, "Module cache":
// cache/download is the directory that GOPROXY can point to.
func ServeModules() error {
	cache, err := output("go", "env", "GOMODCACHE")
	if err != nil {
		return fmt.Errorf("asking for the module cache: %w", err)
	}
	l, err := net.Listen("tcp", ModulesAt)
	for began := time.Now(); errors.Is(err, syscall.EADDRINUSE) && time.Since(began) < modulesPatience; l, err = net.Listen("tcp", ModulesAt) {
		time.Sleep(time.Second)
	}
	if err != nil {
		return fmt.Errorf("serving modules: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join(cache, "cache", "download"))))
	mux.HandleFunc("/example.com/{name}/@v/{file}", serveMade)
	go func() { _ = http.Serve(l, mux) }()
	return nil
}

// made are the names of the modules that the cases make up, below example.com; the one that is a program is called tool.
var made = regexp.MustCompile(`^(lib\d*|tool)$`)

// madeVersions are the versions that they have, of which v1.0.0 is listed.
var madeVersions = regexp.MustCompile(`^(v1\.\d+\.0)\.(info|mod|zip)$`)

// serveMade serves one file of a module that was made up: a package with a constant Version, and a directory templates as
// some modules have. Source: go.dev/ref/mod, "GOPROXY protocol".
func serveMade(w http.ResponseWriter, r *http.Request) {
	name, file := r.PathValue("name"), r.PathValue("file")
	module := "example.com/" + name
	mod := "module " + module + "\n\ngo 1.21\n"
	asked := madeVersions.FindStringSubmatch(file)
	switch {
	case made.MatchString(name) && file == "list":
		fmt.Fprintln(w, "v1.0.0")
	case !made.MatchString(name) || asked == nil:
		http.NotFound(w, r)
	case asked[2] == "info":
		fmt.Fprintf(w, `{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, asked[1])
	case asked[2] == "mod":
		fmt.Fprint(w, mod)
	default:
		source := fmt.Sprintf("package %s\n\nconst Version = %q\n", name, asked[1])
		if name == "tool" {
			source = "package main\n\nfunc main() {}\n"
		}
		z := zip.NewWriter(w)
		for _, f := range []struct{ name, text string }{{"go.mod", mod}, {name + ".go", source}, {"templates/index.html", "<p>" + name + "\n"}} {
			if out, err := z.Create(path.Join(module+"@"+asked[1], f.name)); err == nil {
				_, _ = out.Write([]byte(f.text)) // to a client that reads, or is gone
			}
		}
		_ = z.Close()
	}
}
