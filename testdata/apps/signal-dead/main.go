// Command signal-dead has a handler in a function that nothing calls: the linker drops it.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

type service struct{ name string }

func (s *service) stop() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println(s.name, <-c)
}

func main() {
	s := &service{name: "dead"}
	fmt.Println(s.name)
}
