package lab

import (
	"os"
	"testing"
)

// Lacking skips a test for want of something; in CI, where everything is to be installed, that is a failure.
func Lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// NeedContainers skips a test that runs containers where there is no time, or no right to make their networks.
func NeedContainers(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: runs containers")
	}
	if os.Geteuid() != 0 {
		Lacking(t, "not root: cannot make a network for a container")
	}
}
