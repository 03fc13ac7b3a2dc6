package target

import (
	"fmt"
	"io"
	"os"
)

// stdinName is what a target from standard input is called where a file name is wanted.
const stdinName = "/dev/stdin"

// detectStdin tells what standard input holds. A file that was redirected is read like any other; what comes through
// a pipe is held in memory, and can be a Dockerfile or an executable: an archive must be read more than once.
func detectStdin(in io.Reader) (Target, error) {
	t := Target{Name: stdinName, Arg: "-"}
	if f, ok := in.(*os.File); ok {
		if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
			return detectFile(t)
		}
	}
	const most = 1 << 30 // bytes
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("reading standard input: %w", err)
	case len(data) > most:
		return Target{}, fmt.Errorf("reading standard input: more than %d bytes", most)
	}
	t.Data = data
	if t.Kind = kindOf(data[:min(len(data), 512)]); t.Kind == "" {
		return Target{}, fmt.Errorf("reading standard input: an archive cannot come through a pipe; redirect the file, `imgaudit check - <app.tar`, or name it")
	}
	return t, nil
}
