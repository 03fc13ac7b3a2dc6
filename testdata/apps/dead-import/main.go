// Command dead-import can do everything and does nothing: a trap. The linker drops what is never called.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"time"
)

type unused struct{}

// All is never called.
func (unused) All() {
	time.LoadLocation("Asia/Shanghai")
	os.CreateTemp("", "x")
	os.MkdirTemp("/var/lib/app", "x")
	exec.Command("sh").Run()
	user.Lookup("root")
	signal.Notify(make(chan os.Signal, 1))
	http.Get("https://localhost:8443/")
	tls.Dial("tcp", "localhost:8443", nil)
	net.Listen("tcp", ":7070")
}

func never() { unused{}.All() }

func main() {
	fmt.Println("hello")
	if false {
		never()
	}
}
