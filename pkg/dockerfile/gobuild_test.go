package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// showBuild is a build on one line: verb dir output packages, environment, unknown names, flags.
func showBuild(b dockerfile.GoBuild) string {
	var flags []string
	for _, f := range b.Flags {
		flags = append(flags, f.Name+"="+f.Value)
	}
	env := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(b.Env), "map["), "]")
	return fmt.Sprintf("%s %q %q %v {%s} %v %v", b.Verb, b.Dir, b.Output, b.Packages, env, b.Unknown, flags)
}

func TestGoBuilds(t *testing.T) {
	const stage = "FROM golang AS build\nARG TARGETOS TARGETARCH TARGETVARIANT VERSION\nENV GOFLAGS=-mod=vendor EMPTY=\"\"\nWORKDIR /src\n"
	tests := []struct {
		name, run string
		want      []string
	}{
		{"flags with values", `RUN CGO_ENABLED=0 GOOS=linux go build -a -installsuffix cgo -ldflags '-s -w -extldflags "-static"' -o app .`,
			[]string{`build "/src" "/src/app" [.] {CGO_ENABLED:0 GOFLAGS:-mod=vendor GOOS:linux} [] [a= installsuffix=cgo ldflags=-s -w -extldflags "-static" o=app]`}},
		{"export and cd", "RUN export CGO_ENABLED=0 && cd cmd/api && go build -o=/out/api && go build -v ./sub",
			[]string{`build "/src/cmd/api" "/out/api" [] {CGO_ENABLED:0 GOFLAGS:-mod=vendor} [] [o=/out/api]`,
				`build "/src/cmd/api" "/src/cmd/api/sub" [./sub] {CGO_ENABLED:0 GOFLAGS:-mod=vendor} [] [v=]`}},
		{"cross", "RUN GOOS=$TARGETOS GOARCH=${TARGETARCH} GOARM=${TARGETVARIANT#v} go build -trimpath -ldflags=\"-X main.v=${VERSION}\" -o /app",
			[]string{`build "/src" "/app" [] {GOARCH:amd64 GOARM: GOFLAGS:-mod=vendor GOOS:linux} [] [trimpath= ldflags=-X main.v=${VERSION} o=/app]`}},
		{"not given", "RUN GOARCH=$VERSION GOOS=$HOME go build .",
			[]string{`build "/src" "" [.] {GOFLAGS:-mod=vendor} [GOARCH GOOS] []`}},
		{"not exported", "RUN CGO_ENABLED=0; GOFLAGS=x; OUT=/o; go build -o $OUT .",
			[]string{`build "/src" "/o" [.] {GOFLAGS:x} [] [o=$OUT]`}},
		{"exported later", "RUN CGO_ENABLED=0; export CGO_ENABLED; go build -o /o .",
			[]string{`build "/src" "/o" [.] {CGO_ENABLED:0 GOFLAGS:-mod=vendor} [] [o=/o]`}},
		{"env", "RUN env -u GOFLAGS GOARCH=arm64 nice -n go -C sub build -o x ./cmd/y",
			[]string{`build "/src/sub" "/src/sub/x" [./cmd/y] {GOARCH:arm64} [] [o=x]`}},
		{"env -i", "RUN env -i GOOS=linux /usr/local/go/bin/go build -C sub -o ../x",
			[]string{`build "/src/sub" "/src/x" [] {GOOS:linux} [] [C=sub o=../x]`}},
		{"directory by its slash", "RUN go build -o /out/ ./cmd/api && go build -o bin/ ./... && go build -o . ./cmd/v2",
			[]string{`build "/src" "/out/api" [./cmd/api] {GOFLAGS:-mod=vendor} [] [o=/out/]`,
				`build "/src" "/src/bin/" [./...] {GOFLAGS:-mod=vendor} [] [o=bin/]`,
				`build "/src" "/src/cmd" [./cmd/v2] {GOFLAGS:-mod=vendor} [] [o=.]`}},
		{"directory that exists", "RUN mkdir -p /out && go build -o /src . && go build -o /out ./cmd/a",
			[]string{`build "/src" "/src/" [.] {GOFLAGS:-mod=vendor} [] [o=/src]`,
				`build "/src" "/out/a" [./cmd/a] {GOFLAGS:-mod=vendor} [] [o=/out]`}},
		{"windows", "RUN GOOS=windows go build ./cmd/a && go build main.go util.go",
			[]string{`build "/src" "/src/a.exe" [./cmd/a] {GOFLAGS:-mod=vendor GOOS:windows} [] []`,
				`build "/src" "/src/main" [main.go util.go] {GOFLAGS:-mod=vendor} [] []`}},
		{"install", "RUN GOBIN=/b go install example.com/x/cmd/foo/v3@latest && GOPATH=/g go install ./cmd/x && go install ./cmd/y",
			[]string{`install "/src" "/b/foo" [example.com/x/cmd/foo/v3@latest] {GOBIN:/b GOFLAGS:-mod=vendor} [] []`,
				`install "/src" "/g/bin/x" [./cmd/x] {GOFLAGS:-mod=vendor GOPATH:/g} [] []`,
				`install "/src" "" [./cmd/y] {GOFLAGS:-mod=vendor} [] []`}},
		{"conditions", "RUN if x; then CGO_ENABLED=1; export CGO_ENABLED; cd y; fi; go build -o a",
			[]string{`build "" "" [] {GOFLAGS:-mod=vendor} [CGO_ENABLED] [o=a]`}},
		{"subshells and pipes", "RUN (cd x && export GOOS=js); cd y | cat; go build -o a || exit 1",
			[]string{`build "/src" "/src/a" [] {GOFLAGS:-mod=vendor} [] [o=a]`}},
		{"loop", "RUN for a in x y; do go build -o /out/$a ./cmd/$a; done",
			[]string{`build "/src" "" [./cmd/$a] {GOFLAGS:-mod=vendor} [] [o=/out/$a]`}},
		{"variables as flags", "RUN F='-a -v'; go build $F $NONE $EMPTY -o a $HOME",
			[]string{`build "/src" "/src/a" [$HOME] {GOFLAGS:-mod=vendor} [] [a= v= o=a]`}},
		{"heredoc", "RUN <<EOF\nset -e\ngo build \\\n  -o bin/api ./cmd/api\nEOF",
			[]string{`build "/src" "/src/bin/api" [./cmd/api] {GOFLAGS:-mod=vendor} [] [o=bin/api]`}},
		{"heredoc of a shell", "RUN <<-EOF bash -e\n\tcd x\n\tgo build -o y\n\tEOF",
			[]string{`build "/src/x" "/src/x/y" [] {GOFLAGS:-mod=vendor} [] [o=y]`}},
		{"shell in a shell", "RUN bash -ec 'cd x; go build -o y' && go build -o z",
			[]string{`build "/src/x" "/src/x/y" [] {GOFLAGS:-mod=vendor} [] [o=y]`, `build "/src" "/src/z" [] {GOFLAGS:-mod=vendor} [] [o=z]`}},
		{"exec form", `RUN ["go", "build", "-o", "/a b", "."]`,
			[]string{`build "/src" "/a b" [.] {GOFLAGS:-mod=vendor} [] [o=/a b]`}},
		{"hidden", "RUN make build && ./build.sh && echo go build", nil},
		{"xargs", "RUN ls cmd | xargs -n1 go build -o /out", nil},
		{"not a build", "RUN go mod download && go test ./... && go vet", nil},
		{"not readable", "RUN go build -o 'a", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, stage+tt.run+"\n")
			var got []string
			for _, b := range f.Final().Instructions[3].Run.Builds {
				got = append(got, showBuild(b))
			}
			equal(t, "builds", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		})
	}
}

func TestGoBuildSpans(t *testing.T) {
	f := mustParse(t, "FROM golang\nRUN a && \\\n  # why\n  CGO_ENABLED=0 \\\n  go build -tags \\\n   x -ldflags='-s \\\n -w' && b\nRUN [\"go\", \"build\", \"-o\", \"/x\"]\n")
	want := [][]string{
		{"CGO_ENABLED=0 \\\n  go build -tags \\\n   x -ldflags='-s \\\n -w'", "-tags \\\n   x", "-ldflags='-s \\\n -w'"},
		{`"go", "build", "-o", "/x"`, `"-o", "/x"`},
	}
	for k, in := range f.Final().Instructions {
		b := in.Run.Builds[0]
		got := []string{f.Text(b.Span)}
		for _, flag := range b.Flags {
			got = append(got, f.Text(flag.Span))
		}
		equal(t, in.Keyword, strings.Join(got, "\n--\n"), strings.Join(want[k], "\n--\n"))
	}
	flag, ok := f.Final().Instructions[0].Run.Builds[0].Flag("ldflags")
	equal(t, "value", flag.Value, "-s  -w")
	equal(t, "found", ok, true)
}

// TestGoEnvWrite shows that go env -w lasts, below what the environment says, and into the stages built on this one.
func TestGoEnvWrite(t *testing.T) {
	f := mustParse(t, "FROM golang AS a\nRUN go env -w CGO_ENABLED=0 GOPROXY=direct\nFROM a\nENV GOPROXY=off\nRUN go build -o /x\n")
	equal(t, "build", showBuild(f.Final().Instructions[1].Run.Builds[0]), `build "" "/x" [] {CGO_ENABLED:0 GOPROXY:off} [] [o=/x]`)
	equal(t, "PowerShell", len(mustParse(t, "FROM a\nSHELL [\"pwsh\", \"-c\"]\nRUN go build -o /x\n").Final().Instructions[1].Run.Builds), 0)
}
