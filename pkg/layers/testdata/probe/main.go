// Command probe tells what a Go program finds in the root file system it runs in.
//
// Without arguments it prints "ran". With "facts ZONE..." it prints JSON: the roots, the zones, the local time and
// where a temporary file can be made.
package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 || os.Args[1] != "facts" {
		fmt.Println("ran")
		return
	}
	out := struct {
		Roots  int
		Err    string
		Zones  map[string]bool
		Local  string
		Offset int
		Temp   string
		Home   string
		UID    int
		GID    int
		Groups []int
	}{Zones: map[string]bool{}, Temp: temp(), Home: os.Getenv("HOME"), UID: os.Getuid(), GID: os.Getgid()}
	out.Groups, _ = os.Getgroups()
	pool, err := x509.SystemCertPool()
	if err != nil {
		out.Err = err.Error()
	} else {
		out.Roots = len(pool.Subjects()) //nolint:staticcheck // the only way to count
	}
	for _, name := range os.Args[2:] {
		_, err := time.LoadLocation(name)
		out.Zones[name] = err == nil
	}
	moment := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC).In(time.Local)
	out.Local = time.Local.String()
	_, out.Offset = moment.Zone()
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

// temp makes a temporary file and names the error if it cannot.
func temp() string {
	f, err := os.CreateTemp("", "probe")
	switch {
	case err == nil:
		f.Close()
		os.Remove(f.Name())
		return ""
	case errors.Is(err, syscall.ENOTDIR):
		return "ENOTDIR"
	case errors.Is(err, syscall.ELOOP):
		return "ELOOP"
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT"
	case errors.Is(err, fs.ErrPermission):
		return "EACCES"
	}
	return err.Error()
}
