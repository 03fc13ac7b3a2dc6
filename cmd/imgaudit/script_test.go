package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/imgaudit/imgaudit/internal/imagetest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script and docs")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imgaudit": main})
}

// TestScript runs the real command line over testdata/script: arguments, whole output, exit codes, files.
func TestScript(t *testing.T) {
	registry := imagetest.Serve(t)
	fixtures := makeFixtures(t, registry)
	proxy := httptest.NewServer(forward(registry))
	t.Cleanup(proxy.Close)
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("..", "..", "testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("REGISTRY", registry)
			env.Setenv("PROXY", proxy.URL)
			env.Setenv("ALONE", filepath.SplitList(env.Getenv("PATH"))[0]) // where imgaudit is, and nothing else
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			for name, file := range fixtures {
				if err := os.Symlink(file, filepath.Join(env.WorkDir, name)); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":   exitCode,
			"schema": validate,
			"same":   sameReport,
		},
	})
}

// exitCode runs `exit CODE imgaudit ARGS...` and compares the exit code; output goes to the
// files out (the toolchain's version replaced by GOVERSION) and err.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got := string(rune('0' + code)); got != args[0] {
		ts.Fatalf("exit code %d, want %s\nstderr: %s", code, args[0], ts.ReadFile("stderr"))
	}
	out := strings.ReplaceAll(ts.ReadFile("stdout"), runtime.Version(), "GOVERSION")
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(ts.ReadFile("stderr")), 0o644))
}

// validate checks a JSON report against docs/report.schema.json: `schema FILE`.
func validate(ts *testscript.TestScript, neg bool, args []string) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(projectRoot, "docs", "report.schema.json"))
	ts.Check(err)
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	err = schema.Validate(doc)
	if neg && err == nil {
		ts.Fatalf("%s fits the schema, and should not", args[0])
	}
	if !neg {
		ts.Check(err)
	}
}

// sameReport compares two JSON reports but for what names the image and where it came from: `same FILE FILE`.
func sameReport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	var texts [2]string
	for i, file := range args {
		var r map[string]any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &r))
		for _, s := range r["subjects"].([]any) {
			image := s.(map[string]any)["image"].(map[string]any)
			for _, key := range []string{"ref", "source", "digest"} {
				delete(image, key)
			}
		}
		text, err := json.MarshalIndent(r, "", "  ")
		ts.Check(err)
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		ts.Fatalf("%s is\n%s\n%s is\n%s", args[0], texts[0], args[1], texts[1])
	}
}

// forward is a proxy behind which every host is one registry that knows no TLS.
func forward(registry string) http.Handler {
	plain := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: registry})
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		plain.ServeHTTP(w, r)
	})
}
