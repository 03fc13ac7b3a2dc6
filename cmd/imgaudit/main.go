// Command imgaudit tells, before the push, whether a Go service's container image will run, and which Dockerfile line
// is to blame if not.
package main

import "os"

func main() {
	boundMemory()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv))
}
