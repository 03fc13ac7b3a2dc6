package target

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
)

// stdinName is what a target from standard input is called where a file name is wanted.
const stdinName = "/dev/stdin"

// detectStdin tells what standard input holds. A file that was redirected is read like any other. Of what comes through
// a pipe, a Dockerfile or an executable is held in memory; anything else must be an archive of an image, which is read
// as it comes. Waiting for the pipe ends with the context.
func detectStdin(ctx context.Context, in io.Reader) (Target, error) {
	if f, ok := in.(*os.File); ok {
		if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
			return detectFile(Target{Name: stdinName, Arg: "-"})
		}
	}
	type result struct {
		t   Target
		err error
	}
	done := make(chan result, 1)
	go func() {
		t, err := detectPipe(in)
		done <- result{t, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return Target{}, fmt.Errorf("reading standard input: %w", r.err)
		}
		return r.t, nil
	case <-ctx.Done():
		return Target{}, fmt.Errorf("reading standard input: %w", context.Cause(ctx))
	}
}

func detectPipe(in io.Reader) (Target, error) {
	const most = 1 << 30 // bytes
	buffered := bufio.NewReaderSize(in, 64<<10)
	head, err := buffered.Peek(512)
	if err != nil && err != io.EOF {
		return Target{}, err
	}
	t := Target{Kind: kindOf(head), Name: stdinName, Arg: "-"}
	if t.Kind == "" {
		return Target{Kind: piped, Name: "-", Arg: "-", Stream: buffered}, nil
	}
	t.Data, err = io.ReadAll(io.LimitReader(buffered, most+1))
	if err == nil && len(t.Data) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return t, err
}
