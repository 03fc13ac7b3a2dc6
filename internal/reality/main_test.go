package reality

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/imgaudit/imgaudit/internal/lab"
)

// inside tells a test binary that it runs in its own network namespace.
const inside = "IMGAUDIT_REALITY_INSIDE"

// TestMain runs the tests in a network namespace of their own, where every port is free: the programs under test have
// their addresses compiled in. Where that is not allowed they share the machine's.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getuid() == 0 && !testing.Short() && os.Getenv(inside) == "" {
		if code, ok := runInside(); ok {
			os.Exit(code)
		}
	}
	if os.Getenv(inside) != "" {
		if err := raiseLoopback(); err != nil {
			fmt.Fprintln(os.Stderr, "raising the loopback interface:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runInside runs the test binary again in a new network namespace and returns its exit code; ok is false if there can
// be no such namespace. More cells run at once than there are processors: most wait for a signal that is lost.
func runInside() (code int, ok bool) {
	runtime.LockOSThread() // the death of the thread that started the child is what Pdeathsig reports
	cmd := exec.Command("/proc/self/exe", append(os.Args[1:], "-test.parallel=10")...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, false
	}
	if err := cmd.Wait(); err != nil {
		return max(cmd.ProcessState.ExitCode(), 1), true
	}
	return 0, true
}

// raiseLoopback sets the flags of lo to up. Source: netdevice(7), SIOCSIFFLAGS.
func raiseLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

// needTool returns the path of a program of this machine.
func needTool(t *testing.T, name string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		lab.Lacking(t, "no %s here: %v", name, err)
	}
	return file
}
