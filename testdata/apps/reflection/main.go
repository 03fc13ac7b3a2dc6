// Command reflection creates a temporary file by a method that it finds by name: a call that no graph shows.
package main

import (
	"fmt"
	"os"
	"reflect"
)

type job struct{}

func (job) Create() error {
	file, err := os.CreateTemp("", "app-*")
	if err != nil {
		return err
	}
	return os.Remove(file.Name())
}

func main() {
	name := "Create"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	method := reflect.ValueOf(job{}).MethodByName(name)
	if !method.IsValid() {
		fmt.Fprintln(os.Stderr, "no method", name)
		os.Exit(1)
	}
	if err, _ := method.Call(nil)[0].Interface().(error); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
