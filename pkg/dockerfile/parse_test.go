package dockerfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestInstructions shows, for one instruction each, the spans of the instruction, its flags and words in the source, and
// the values of the words.
func TestInstructions(t *testing.T) {
	tests := []struct{ name, src, span, flags, words, values string }{
		{"comment and blank line in a continuation", "RUN a \\\n  # no\n\n  b\n",
			"RUN a \\\n  # no\n\n  b", "", "a \\\n  # no\n\n  b", "a   b"},
		{"carriage returns", "ENV A=1 \\\r\n  B=2\r\n", "ENV A=1 \\\r\n  B=2", "", "A=1 | B=2", "A=1 | B=2"},
		{"flags over several lines", "COPY --from=x \\\n --chown=1:1 \\\n a \\\n /b\n",
			"COPY --from=x \\\n --chown=1:1 \\\n a \\\n /b", "--from=x | --chown=1:1", "a | /b", "a | /b"},
		{"word over a continuation", "WORKDIR /a\\\n/b\n", "WORKDIR /a\\\n/b", "", "/a\\\n/b", "/a/b"},
		{"exec form", "CMD [ \"/a\" ,\\\n \"b \\\"c\" ]\n", "CMD [ \"/a\" ,\\\n \"b \\\"c\" ]", "", "\"/a\" | \"b \\\"c\"", "/a | b \"c"},
		{"exec form of COPY", "COPY [\"a b\", \"/c/\"]\n", "COPY [\"a b\", \"/c/\"]", "", "\"a b\" | \"/c/\"", "a b | /c/"},
		{"single quotes are no JSON", "CMD ['/a']\n", "CMD ['/a']", "", "['/a']", "['/a']"},
		{"trailing comma is no JSON", "CMD [\"a\",]\n", "CMD [\"a\",]", "", "[\"a\",]", "[\"a\",]"},
		{"text behind the array is no JSON", "CMD [\"a\"] && b\n", "CMD [\"a\"] && b", "", "[\"a\"] && b", "[\"a\"] && b"},
		{"quoted values", "ENV A=\"x y\" B='z' C=a\\ b\n", "ENV A=\"x y\" B='z' C=a\\ b", "", "A=\"x y\" | B='z' | C=a\\ b", "A=x y | B=z | C=a b"},
		{"old form of ENV", "ENV KEY  some value\n", "ENV KEY  some value", "", "KEY  some value", "KEY=some value"},
		{"several ARGs", "ARG a b=1 c\n", "ARG a b=1 c", "", "a | b=1 | c", "a | b=1 | c"},
		{"variables stay", "ENV P=${V#v}:${W:-\"x\"}\n", "ENV P=${V#v}:${W:-\"x\"}", "", "P=${V#v}:${W:-\"x\"}", "P=${V#v}:${W:-x}"},
		{"health check", "HEALTHCHECK --interval=5s --start-interval=1s \\\n CMD [\"/a\", \"-h\"]\n",
			"HEALTHCHECK --interval=5s --start-interval=1s \\\n CMD [\"/a\", \"-h\"]", "--interval=5s | --start-interval=1s", "CMD | \"/a\" | \"-h\"", "CMD | /a | -h"},
		{"health check as text", "HEALTHCHECK CMD curl  -f x || exit 1\n", "HEALTHCHECK CMD curl  -f x || exit 1", "", "CMD | curl  -f x || exit 1", "CMD | curl  -f x || exit 1"},
		{"no health check", "HEALTHCHECK NONE\n", "HEALTHCHECK NONE", "", "NONE", "NONE"},
		{"lower case, indented", "   user  65532 \n", "user  65532", "", "65532", "65532"},
		{"continuation with blanks behind it", "RUN a \\  \n b\n", "RUN a \\  \n b", "", "a \\  \n b", "a  b"},
		{"file ends in a continuation", "RUN a \\", "RUN a \\", "", "a", "a"},
		{"end of flags", "RUN --mount=type=ssh -- --x\n", "RUN --mount=type=ssh -- --x", "--mount=type=ssh", "--x", "--x"},
		{"quoted flag", "RUN --mount=type=secret,\"id=a b\" x\n", "RUN --mount=type=secret,\"id=a b\" x", "--mount=type=secret,\"id=a b\"", "x", "x"},
		{"trigger", "ONBUILD COPY . /src\n", "ONBUILD COPY . /src", "", "COPY . /src", "COPY . /src"},
		{"non-ASCII", "LABEL a=\"é\" b=ü\n", "LABEL a=\"é\" b=ü", "", "a=\"é\" | b=ü", "a=é | b=ü"},
		{"no arguments", "RUN\n", "RUN", "", "", ""},
		{"heredoc", "RUN <<EOF\nFROM x\n# text\\\nEOF\n", "RUN <<EOF\nFROM x\n# text\\\nEOF", "", "<<EOF", "<<EOF"},
		{"stop signal", "STOPSIGNAL  SIGINT\n", "STOPSIGNAL  SIGINT", "", "SIGINT", "SIGINT"},
		{"ports", "EXPOSE 80 443/tcp\n", "EXPOSE 80 443/tcp", "", "80 | 443/tcp", "80 | 443/tcp"},
	}
	for _, prefix := range []string{"FROM a\n", "\xef\xbb\xbfFROM a\r\n\r\n", "# c\n\nFROM a\n\n# RUN x\n"} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := mustParse(t, prefix+tt.src)
				in := f.Stages[0].Instructions[0]
				var flags []dockerfile.Span
				for _, flag := range in.Flags {
					flags = append(flags, flag.Span)
				}
				equal(t, "span", f.Text(in.Span), tt.span)
				equal(t, "flags", texts(f, flags...), tt.flags)
				equal(t, "words", texts(f, wordSpans(in.Words)...), tt.words)
				equal(t, "values", values(in.Words), tt.values)
				equal(t, "column", in.Span.Start.Column, 1+len(tt.src)-len(strings.TrimLeft(tt.src, " ")))
			})
		}
	}
}

func TestEscapeDirective(t *testing.T) {
	f := mustParse(t, "# escape=`\nFROM a\nCOPY x c:\\\nRUN a `\n b\n")
	equal(t, "escape", f.Escape, byte('`'))
	equal(t, "backslash", values(f.Stages[0].Instructions[0].Words), `x | c:\`)
	equal(t, "joined", f.Stages[0].Instructions[1].Text, "a  b")

	f = mustParse(t, "# comment\n# escape=`\nFROM a\nRUN a \\\n b\n")
	equal(t, "escape behind a comment", f.Escape, byte('\\'))
	equal(t, "joined", f.Stages[0].Instructions[0].Text, "a  b")
}

func TestSyntaxDirective(t *testing.T) {
	equal(t, "syntax", mustParse(t, "# syntax=docker/dockerfile:1.7\nFROM a\n").Syntax, "docker/dockerfile:1.7")
	equal(t, "behind a shebang", mustParse(t, "#!/usr/bin/env x\n# syntax=a/b\nFROM a\n").Syntax, "a/b")
	equal(t, "none", mustParse(t, "FROM a\n").Syntax, "")
}

func TestHeredocs(t *testing.T) {
	f := mustParse(t, "FROM a\nCOPY <<-EOT <<\"E2\" <<\\E3 /d/\n\ta $X\n\t\tb\n\tEOT\n$Y\nE2\nc\r\nE3\n# after\nUSER 1\n")
	in := f.Stages[0].Instructions[0]
	want := []struct {
		name, content, span string
		expand              bool
	}{
		{"EOT", "a $X\nb\n", "\ta $X\n\t\tb\n", true},
		{"E2", "$Y\n", "$Y\n", false},
		{"E3", "c\r\n", "c\r\n", true}, // a shell would not expand it, BuildKit does
	}
	if len(in.Heredocs) != len(want) {
		t.Fatalf("%d heredocs, want %d", len(in.Heredocs), len(want))
	}
	for k, h := range in.Heredocs {
		equal(t, "name", h.Name, want[k].name)
		equal(t, "content", h.Content, want[k].content)
		equal(t, "span", f.Text(h.Span), want[k].span)
		equal(t, "expand", h.Expand, want[k].expand)
	}
	equal(t, "instruction", f.Text(in.Span)[:4], "COPY")
	equal(t, "end", strings.HasSuffix(f.Text(in.Span), "\nE3"), true)
	equal(t, "next", f.Stages[0].Instructions[1].Keyword, "USER")
	equal(t, "sources", len(in.Copy.Sources), 0)
}

func TestNoHeredocs(t *testing.T) {
	f := mustParse(t, "FROM a\nRUN cat <<<here \"<<EOF\" $((1<<2)) '<<NOT'\nRUN <<A cat <<<x\nb\nA\n")
	equal(t, "heredocs", len(f.Stages[0].Instructions[0].Heredocs), 0)
	equal(t, "heredocs", len(f.Stages[0].Instructions[1].Heredocs), 1)
}

func TestRunScript(t *testing.T) {
	tests := []struct{ name, src, script string }{
		{"text", "RUN a \\\n # c\n && b", "a  && b"},
		{"exec form", `RUN ["a", "b"]`, ""},
		{"lone heredoc", "RUN <<EOF\na\nb\nEOF", "a\nb\n"},
		{"tabs", "RUN <<-EOF\n\ta\n\tEOF", "a\n"},
		{"shell named by a shebang", "RUN <<EOF\n#!/bin/bash -e\na\nEOF", "#!/bin/bash -e\na\n"},
		{"not a shell", "RUN <<EOF\n#!/usr/bin/env python3\na\nEOF", ""},
		{"heredoc for a command", "RUN cat <<EOF >x && y\na\nEOF", "cat <<EOF >x && y\na\nEOF"},
		{"two heredocs", "RUN a <<A b <<-B\n1\nA\n\t2\n\tB", "a <<A b <<-B\n1\nA\n\t2\nB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, "FROM a\n"+tt.src+"\n")
			in := f.Stages[0].Instructions[0]
			equal(t, "script", in.Run.Script, tt.script)
			for k, c := range []byte(tt.script) { // every byte that stands in the file is mapped to itself
				at := in.At(dockerfile.Span{Start: dockerfile.Position{Offset: k}, End: dockerfile.Position{Offset: k + 1}})
				if c != '\n' && f.Text(at) != string(c) {
					t.Errorf("byte %d: %q is mapped to %q", k, c, f.Text(at))
				}
			}
		})
	}
}

// TestAt maps a command found by ParseShell back to the file.
func TestAt(t *testing.T) {
	f := mustParse(t, "FROM a\nRUN cd /x && \\\n  # c\n  rm -rf \\\n /y\nHEALTHCHECK --interval=1s CMD curl \\\n -f x\nCMD [\"a\"]\n")
	want := []string{"rm -rf \\\n /y", "curl \\\n -f x"}
	for k, in := range f.Stages[0].Instructions[:2] {
		text := f.Stages[0].Healthcheck.Words[0]
		if in.Run != nil {
			text = in.Run.Script
		}
		script, err := dockerfile.ParseShell(text)
		if err != nil {
			t.Fatal(err)
		}
		last := script.Commands[len(script.Commands)-1]
		equal(t, in.Keyword, f.Text(in.At(last.Span)), want[k])
	}
	equal(t, "exec form", f.Stages[0].Instructions[2].At(dockerfile.Span{}).IsZero(), true)
}

func TestOnBuild(t *testing.T) {
	f := mustParse(t, "FROM a AS b\nONBUILD RUN <<EOF\nx\nEOF\nONBUILD ENV A=1\nONBUILD USER 7\nFROM b\n")
	equal(t, "text", f.Stages[0].Instructions[0].OnBuild, "RUN <<EOF\nx\nEOF")
	equal(t, "span", f.Text(f.Stages[0].Instructions[0].Span), "ONBUILD RUN <<EOF\nx\nEOF")
	equal(t, "not yet", len(f.Stages[0].Env), 0)
	equal(t, "in the stage built on it", f.Stages[1].Env[0].Value, "1")
	equal(t, "user", f.Stages[1].User.Value, "7")
	equal(t, "set by", f.Stages[1].User.By, f.Stages[0].Instructions[2])
}

func TestRefused(t *testing.T) {
	long := "FROM a\nRUN " + strings.Repeat("x", 70000) + "\n"
	tests := []struct{ name, src, want string }{
		{"unknown instruction", "FROM a\n\nFORM b\n", `Dockerfile:3: unknown instruction: FORM (did you mean FROM?)`},
		{"empty", "", `Dockerfile: the Dockerfile cannot be empty`},
		{"only comments", "# x\n", `Dockerfile:1: file with no instructions`},
		{"no stage", "ARG A\n", `Dockerfile: dockerfile contains no stages to build`},
		{"no FROM", "RUN a\n", `Dockerfile:1: no build stage in current context`},
		{"number in an array", "FROM a\nCMD [\"a\", 1]\n", `Dockerfile:2: when using JSON array syntax, arrays must be comprised of strings only`},
		{"unterminated heredoc", "FROM a\nRUN <<E\nx\n", `Dockerfile:2: unterminated heredoc`},
		{"long line", long, `Dockerfile:2: dockerfile line greater than max allowed size of 65535`},
		{"lone carriage returns", "FROM a\rUSER 1\r", `Dockerfile:1: FROM requires either one or three arguments`},
		{"flag", "FROM a\nCOPY --form=b c d\n", `Dockerfile:2: unknown flag: --form (did you mean from?)`},
		{"upper case base", "FROM Base\n", `Dockerfile:1: failed to parse stage name "Base": invalid reference format: repository name (library/Base) must be lowercase`},
		{"blank base", "ARG A=\nFROM $A\n", `Dockerfile:2: base name ($A) should not be blank`},
		{"undeclared base", "FROM $A\n", `Dockerfile:1: base name ($A) should not be blank`},
		{"tag of an undeclared ARG", "FROM a:$T\n", `Dockerfile:1: failed to parse stage name "a:": invalid reference format`},
		{"index", "FROM a\nCOPY --from=3 b c\n", `Dockerfile:2: invalid stage index 3`},
		{"itself", "FROM a AS b\nCOPY --from=b c d\n", `Dockerfile:1: circular dependency detected on stage: b`},
		{"circle", "FROM a AS b\nCOPY --from=c c d\nFROM a AS c\nCOPY --from=b c d\n", `Dockerfile:1: circular dependency detected on stage: b`},
		{"stage below", "FROM a AS b\nCOPY --from=c x y\nFROM a AS c\nFROM b\n", `Dockerfile:2: cannot copy from stage "c", it needs to be defined before current stage "b"`},
		{"mount of a stage below", "FROM a AS b\nRUN --mount=from=c,target=/t x\nFROM a AS c\nFROM b\n", `Dockerfile:2: cannot mount from stage "c" to "/t", stage needs to be defined before current command`},
		{"variable in --from", "FROM a\nARG X\nCOPY --from=$X a b\n", `Dockerfile:3: variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround`},
		{"chained triggers", "FROM a\n" + strings.Repeat("ONBUILD ", 8000) + "RUN x\n", "Dockerfile:2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
		{"mount type", "FROM a\nRUN --mount=type=cash,target=/x y\n", `Dockerfile:2: unsupported mount type "cash" (did you mean cache?)`},
		{"platform", "FROM --platform=a//b c\n", `Dockerfile:1: failed to parse platform a//b: "" is an invalid component of "a//b": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`},
		{"substitution", "FROM a\nENV A=${}\n", `Dockerfile:2: failed to process "${}": syntax error: bad substitution`},
		{"too many stages", strings.Repeat("FROM a\n", 300), `Dockerfile: dockerfile contains 300 stages, more than 256`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dockerfile.Parse("Dockerfile", []byte(tt.src), dockerfile.Options{})
			var parseError *dockerfile.ParseError
			if !errors.As(err, &parseError) {
				t.Fatalf("got %v, want a ParseError", err)
			}
			equal(t, "error", err.Error(), tt.want)
		})
	}
	_, err := dockerfile.Parse("D", []byte("FROM a AS b\n"), dockerfile.Options{Target: "c"})
	equal(t, "target", err.Error(), `D: target stage "c" could not be found`)
	_, err = dockerfile.Parse("D", make([]byte, 1<<20+1), dockerfile.Options{})
	equal(t, "size", err.Error(), `D: dockerfile larger than 1048576 bytes`)
}

func TestErrorSpan(t *testing.T) {
	src := "FROM a\n\n  COPY --form=x \\\n   b c  \nUSER 1\n"
	_, err := dockerfile.Parse("Dockerfile", []byte(src), dockerfile.Options{})
	var e *dockerfile.ParseError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	equal(t, "lines", src[e.Span.Start.Offset:e.Span.End.Offset], "COPY --form=x \\\n   b c")
}

func TestWarnings(t *testing.T) {
	f := mustParse(t, "FROM a AS Build\nMAINTAINER x\nfrom a as b\nRUN a \\\n\n b\n")
	var got []string
	for _, w := range f.Warnings {
		got = append(got, w.Rule+" "+f.Text(w.Span))
	}
	want := []string{"StageNameCasing Build", "MaintainerDeprecated MAINTAINER", "ConsistentInstructionCasing from", "NoEmptyContinuation "}
	equal(t, "warnings", strings.Join(got, "\n"), strings.Join(want, "\n"))
	equal(t, "blank line", f.Warnings[3].Span.Start.Line, 5)

	f = mustParse(t, "# check=skip=MaintainerDeprecated\nFROM a AS Build\nMAINTAINER x\n# check=skip=StageNameCasing\nFROM a AS B\n")
	equal(t, "skipped", len(f.Warnings), 1)
}
