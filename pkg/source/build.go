package source

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// BuildOptions are a go build line that is run here.
type BuildOptions struct {
	// Flags are those of the line, each "-name" or "-name=value", without -o and -C.
	Flags    []string
	Packages []string
	// Env is what decides the result: CGO_ENABLED, GOOS, GOARCH, GOFLAGS ... The user's own values of these do not count; the
	// user's values of what concerns the way to modules (GOPROXY, GOPRIVATE ..) do, and the line's own do not.
	Env map[string]string
}

// plain are the flags that a C linker may be given: none of them has it run a program or load a plugin.
var plain = lazyregexp.New(`^(-static|-static-pie|-pie|-no-pie|-s|-w|-g|-O[0-3s]|-fPIC|-fno-PIC|-l[\w.+-]+|-L[\w./+-]+|-rdynamic|-pthread|` +
	`-Wl(,(-z|relro|now|noexecstack|--as-needed|--no-as-needed|--gc-sections|--build-id(=\w+)?|-O1|-s|-static|-Bstatic|-Bdynamic|--no-undefined|--start-group|--end-group|-l[\w.+-]+))+)$`)

// linkerSafe refuses flags of go's linker that choose the C linker, or have it run or load what the source brings: who
// audits a stranger's source compiles it, and runs nothing of it.
func linkerSafe(flag string) error {
	for _, name := range []string{"extld=", "extld ", "extar", "-compiler", "gccgoflags", "-linkshared"} {
		if strings.Contains(flag, name) {
			return fmt.Errorf("-%s has another program run", strings.TrimLeft(strings.Trim(name, " ="), "-"))
		}
	}
	_, given, found := strings.Cut(flag, "extldflags")
	if !found {
		return nil
	}
	for _, word := range strings.FieldsFunc(given, func(r rune) bool { return strings.ContainsRune(" \t='\"", r) && r != '=' }) {
		word = strings.TrimPrefix(word, "=")
		if word != "" && !plain.MatchString(word) && !linkFlag.MatchString(word) {
			return fmt.Errorf("%s is not run here", word)
		}
	}
	return nil
}

// linkFlag is what may follow -extldflags of go's own linker flags.
var linkFlag = lazyregexp.New(`^-?-?(X|buildid=.*|linkmode=(internal|external|auto)|linkmode|internal|external|auto|[\w./-]+\.\w+=.*)$`)

// refused are flags that have the go command run other programs, or read or write elsewhere.
var refused = []string{"exec", "modfile", "o", "overlay", "pgo", "pkgdir", "toolexec", "vettool", "work"}

// needless are flags that change nothing in the program.
var needless = []string{"a", "n", "v", "x", "p", "json", "modcacherw"}

// Build runs go build in a directory and writes the programs into another one, which must be there. Modules are downloaded
// only as the user's own go environment allows. The error begins with what the go command says.
func (t *Toolchain) Build(ctx context.Context, dir, out string, opt BuildOptions) error {
	for _, f := range append(slices.Clone(opt.Flags), opt.Env["GOFLAGS"]) {
		if err := linkerSafe(f); err != nil {
			return fmt.Errorf("building the program: %w", err)
		}
	}
	args := []string{"build", "-o", out + string(filepath.Separator)}
	for _, f := range opt.Flags {
		name, _, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if slices.Contains(refused, name) {
			return fmt.Errorf("building the program: -%s is not run here", name)
		}
		if !slices.Contains(needless, name) {
			args = append(args, f)
		}
	}
	args = append(append(args, "--"), opt.Packages...)
	for _, f := range strings.Fields(opt.Env["GOFLAGS"]) {
		name, _, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if slices.Contains(refused, name) {
			return fmt.Errorf("building the program: -%s of GOFLAGS is not run here", name)
		}
	}
	if _, err := run(ctx, dir, t.environment(opt.Env), maxOutput, args...); err != nil {
		return fmt.Errorf("building the program: %w", err)
	}
	return nil
}
