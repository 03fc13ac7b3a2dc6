package prove_test

import (
	"os"
	"syscall"
	"testing"
)

// writeScript writes a shell script that stands for an engine. No process is started meanwhile, which would hold the file
// open for writing for a moment, so that it could not be executed.
func writeScript(t *testing.T, file, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
