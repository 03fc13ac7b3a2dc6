package dockerfile_test

import (
	"sync"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestScript: the shell text is parsed once, whoever asks, and only where a shell that we can read will run it.
func TestScript(t *testing.T) {
	f := mustParse(t, `FROM a
RUN one && two
CMD start $X
ENTRYPOINT ["/a"]
HEALTHCHECK CMD check || exit 1
RUN ["a"]
RUN echo 'open
COPY a b
RUN
ONBUILD RUN three
SHELL ["/bin/bash", "-c"]
RUN four
SHELL ["powershell", "-Command"]
RUN five
CMD six
`)
	want := []int{2, 1, -1, 2, -1, -1, -1, -1, -1, -1, 1, -1, -1, -1}
	for k, in := range f.Final().Instructions {
		got := -1
		if s := in.Script(); s != nil {
			got = len(s.Commands)
		}
		equal(t, f.Text(in.Span), got, want[k])
	}
	equal(t, "trigger", len(f.Final().Instructions[8].Trigger.Script().Commands), 1)

	in := f.Final().Instructions[0]
	seen := make([]*dockerfile.Script, 8)
	var all sync.WaitGroup
	for k := range seen {
		all.Go(func() { seen[k] = in.Script() })
	}
	all.Wait()
	for _, s := range seen {
		equal(t, "once", s, in.Script())
	}
}
