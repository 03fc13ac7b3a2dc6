package accuracy

import (
	"bytes"
	"fmt"
	"strings"
)

// service is a cell with a Dockerfile: what is corrected.
type service struct {
	variant, need string
	base          *base
	user          string
	lines         []string // in the final stage, before ENTRYPOINT
	flags         string   // of COPY
	entrypoint    string   // "" for ["/app"]
}

func (s service) String() string {
	return strings.Join(append([]string{s.variant, s.base.name, s.user, s.need}, append(s.lines, s.flags, s.entrypoint)...), "/")
}

// builder is how an image compiles a variant.
type builder struct{ from, install, command string }

const (
	onDebian = "golang:1.26"
	onAlpine = "golang:1.26-alpine"
	compiler = "RUN apk add --no-cache gcc musl-dev\n"
	quickly  = "ENV CGO_CFLAGS=-O0\n" // SQLite otherwise takes minutes
	linked   = " -ldflags '-s -w -linkmode external -extldflags -static'"
)

// builders are those of the variants. Of C that a program has of its own only "standard" is free: what the standard library
// has in C and in Go, too.
var builders = map[string]builder{
	"static":         {onDebian, "", "CGO_ENABLED=0 go build -trimpath -ldflags '-s -w'"},
	"pie":            {onDebian, "", "CGO_ENABLED=0 go build -trimpath -buildmode=pie -ldflags '-s -w'"},
	"arm64":          {onDebian, "", "CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -ldflags '-s -w'"},
	"glibc":          {onDebian, "", "CGO_ENABLED=1 go build -trimpath -ldflags '-s -w'"},
	"glibc-static":   {onDebian, "", "CGO_ENABLED=1 go build -trimpath" + linked},
	"glibc-standard": {onDebian, "", "CGO_ENABLED=1 go build -trimpath -tags standard -ldflags '-s -w'"},
	"musl":           {onAlpine, compiler, "CGO_ENABLED=1 go build -trimpath -ldflags '-s -w'"},
	"musl-static":    {onAlpine, compiler, "CGO_ENABLED=1 go build -trimpath" + linked},
	"c++":            {onDebian, "", "CGO_ENABLED=1 go build -trimpath -tags cxx -ldflags '-s -w'"},
	"c++-static":     {onDebian, "", "CGO_ENABLED=1 go build -trimpath -tags cxx" + linked},
	"sqlite":         {onDebian, quickly, "CGO_ENABLED=1 go build -trimpath -tags sqlite -ldflags '-s -w'"},
	"sqlite-static":  {onDebian, quickly, "CGO_ENABLED=1 go build -trimpath -tags sqlite" + linked},
	"sqlite-stub":    {onDebian, quickly, "CGO_ENABLED=0 go build -trimpath -tags sqlite -ldflags '-s -w'"},
}

// dockerfile writes the service's.
func (s service) dockerfile() []byte {
	b, how := &bytes.Buffer{}, builders[s.variant]
	fmt.Fprintf(b, "FROM %s AS build\n%sWORKDIR /src\nCOPY . .\nRUN %s -o /app ./%s\n\nFROM %s\n", how.from, how.install, how.command, s.need, s.base.from)
	copied := "COPY --from=build /app /app"
	if s.flags != "" {
		copied = "COPY --from=build " + s.flags + " /app /app"
	}
	fmt.Fprintln(b, copied)
	if s.need == "localtime" {
		fmt.Fprintf(b, "ENV TZ=%s\n", tokyo)
	}
	for _, line := range s.lines {
		fmt.Fprintln(b, line)
	}
	fmt.Fprintf(b, "EXPOSE 8080\nUSER %s\n", s.user)
	entrypoint := s.entrypoint
	if entrypoint == "" {
		entrypoint = `["/app"]`
	}
	fmt.Fprintf(b, "ENTRYPOINT %s\n", entrypoint)
	return b.Bytes()
}

// answers are what the programs print when all is well.
func (s service) answer() string {
	return "answer: " + map[string]string{"plain": "plain", "tls": "200", "zone": "09:00 +0900", "localtime": "09:00 +0900", "temp": "written", "shell": "from the shell",
		"user": s.user, "resolver": "[", "signal": "serving", "unhandled": "serving", "types": "application/epub+zip"}[s.need]
}
