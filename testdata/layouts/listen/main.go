package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "listen") }))
	}()
	r, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		panic(err)
	}
	io.Copy(writer{}, r.Body)
}

type writer struct{}

func (writer) Write(p []byte) (int, error) { return fmt.Println(string(p)) }
