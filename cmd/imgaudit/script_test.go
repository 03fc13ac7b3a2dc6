package main

import (
	"encoding/json"
	"flag"
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
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("..", "..", "testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("REGISTRY", registry)
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
