// Command files-named reads and writes files by constant names, and opens those that every container has.
package main

import (
	"fmt"
	"os"
)

// name is not known: it is not a constant of the call.
func name() string { return os.Args[0] + ".conf" }

func main() {
	for _, read := range []func() ([]byte, error){
		func() ([]byte, error) { return os.ReadFile("/etc/app/config.yaml") },
		func() ([]byte, error) { return os.ReadFile("/proc/self/status") },
		func() ([]byte, error) { return os.ReadFile("relative.yaml") },
		func() ([]byte, error) { return os.ReadFile(name()) },
	} {
		if _, err := read(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	null, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	if err == nil {
		null.Close()
	}
	log, err := os.OpenFile("/var/log/app.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	log.Close()
}
