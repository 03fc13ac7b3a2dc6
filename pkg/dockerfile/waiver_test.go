package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// describeWaivers writes waivers one a line: style, scope, what it is about, names, reason and end, fault.
func describeWaivers(t *testing.T, f *dockerfile.File) string {
	t.Helper()
	var b strings.Builder
	for _, w := range f.Waivers() {
		var names []string
		for _, r := range w.Rules {
			if f.Text(r.Span) != r.Value {
				t.Errorf("the span of %q is %q", r.Value, f.Text(r.Span))
			}
			names = append(names, r.Value)
		}
		if text := f.Text(w.Span); !strings.HasPrefix(text, "#") || strings.Contains(text, "\n") {
			t.Errorf("the span of a waiver is %q", text)
		}
		about := "-"
		if w.On != nil {
			about = fmt.Sprintf("%s:%d", w.On.Keyword, w.On.Span.Start.Line)
		}
		fmt.Fprintf(&b, "%d %s %s %s %s", w.Span.Start.Line, w.Style, w.Scope, about, strings.Join(names, ","))
		for _, extra := range []struct{ name, text string }{{"reason", w.Reason}, {"until", w.Until}, {"fault", w.Fault}} {
			if extra.text != "" {
				fmt.Fprintf(&b, " %s=%s", extra.name, extra.text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestWaivers(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"ours above an instruction", "FROM a\n# imgaudit:ignore=x,y reason=\"a b\" until=2027-01-31\nUSER root\n",
			"2 imgaudit instruction USER:3 x,y reason=a b until=2027-01-31\n"},
		{"blanks everywhere, blank lines, no quotes", "FROM a\n\t#  ImgAudit:ignore= x , y  reason=we need it  until=2027-01-31\n\nUSER root\n",
			"2 imgaudit instruction USER:4 x,y reason=we need it until=2027-01-31\n"},
		{"above FROM it is the stage's", "# imgaudit:ignore=x\nFROM a\nUSER root\n", "1 imgaudit stage FROM:2 x\n"},
		{"a whole file's", "# syntax=docker/dockerfile:1\n# imgaudit:ignore-file=x reason='it'\nARG A\nFROM a\n", "2 imgaudit file - x reason=it\n"},
		{"below the first FROM there is none", "FROM a\n# imgaudit:ignore-file=x\nFROM b\n",
			"2 imgaudit instruction FROM:3 x fault=imgaudit:ignore-file= belongs above the first FROM\n"},
		{"between global ARGs it is one", "ARG A\n# imgaudit:ignore-file=x\nARG B\nFROM a\n", "2 imgaudit file - x\n"},
		{"in a continuation", "FROM a\nRUN a && \\\n  # imgaudit:ignore=x\n  b\nUSER u\n", "3 imgaudit instruction RUN:2 x\n"},
		{"not in a heredoc", "FROM a\nRUN <<EOF\n# imgaudit:ignore=x\na\nEOF\n# imgaudit:ignore=y\nUSER u\n", "6 imgaudit instruction USER:7 y\n"},
		{"between a command's lines before its heredoc", "FROM a\nRUN cat \\\n# imgaudit:ignore=x\n <<EOF\n# imgaudit:ignore=z\nEOF\n", "3 imgaudit instruction RUN:2 x\n"},
		{"a byte order mark and CRLF", "\ufeff# imgaudit:ignore=x\r\nFROM a\r\n", "1 imgaudit stage FROM:2 x\n"},
		{"a comment that tells of imgaudit", "# imgaudit says no\n# see imgaudit:ignore=x\nFROM a\n", ""},
		{"a text that looks like one is none", "FROM a\nRUN echo '# imgaudit:ignore=x'\n", ""},
		{"no rule", "# imgaudit:ignore\n# imgaudit:ignore=\nFROM a\n",
			"1 imgaudit instruction FROM:3  fault=imgaudit:ignore names no rule: # imgaudit:ignore=RULE\n2 imgaudit instruction FROM:3  fault=imgaudit:ignore= names no rule\n"},
		{"another tool's spelling", "# imgaudit ignore=x\nFROM a\n", "1 imgaudit instruction FROM:2  fault=a colon stands between imgaudit and ignore: # imgaudit:ignore=RULE\n"},
		{"another verb", "# imgaudit:disable=x\nFROM a\n", "1 imgaudit instruction FROM:2  fault=imgaudit:disable is unknown; there are imgaudit:ignore= and imgaudit:ignore-file=\n"},
		{"words without a key", "# imgaudit:ignore=x we need it\nFROM a\n", "1 imgaudit instruction FROM:2 x fault=\"we\" is neither reason= nor until=\n"},
		{"an open quote", "# imgaudit:ignore=x reason=\"it\nFROM a\n", "1 imgaudit instruction FROM:2 x fault=the quote of reason= is not closed\n"},
		{"no date", "# imgaudit:ignore=x until=2027-02-30\nFROM a\n", "1 imgaudit instruction FROM:2 x fault=until=2027-02-30 is no date like 2027-01-31\n"},
		{"twice", "# imgaudit:ignore=x until=2027-02-01 until=2027-03-01\nFROM a\n",
			"1 imgaudit instruction FROM:2 x until=2027-02-01 fault=until= is not known here, or stands twice; there are reason= and until=\n"},
		{"behind the last instruction", "FROM a\n# imgaudit:ignore=x\n", "2 imgaudit instruction - x fault=no instruction follows that it could be about\n"},

		{"hadolint's", "FROM a\n# hadolint ignore=DL3008, SC2046 # we accept it\nRUN b\n", "2 hadolint instruction RUN:3 DL3008,SC2046 reason=we accept it\n"},
		{"hadolint's with a blank line below is none", "FROM a\n# hadolint ignore=DL3008\n\nRUN b\n", ""},
		{"another comment may stand between", "FROM a\n# hadolint ignore=DL3008\n# b installs c\nRUN b\n", "2 hadolint instruction RUN:4 DL3008\n"},
		{"hadolint's for a file", "FROM a\nRUN b\n#hadolint global ignore=DL3008\n", "3 hadolint file - DL3008\n"},
		{"hadolint's for a stage", "# hadolint stage ignore=DL3008\nFROM a\nRUN b\n", "1 hadolint stage FROM:2 DL3008\n"},
		{"hadolint reads all or nothing", "# hadolint ignore=DL3008,nonsense\n# hadolint ignore = DL3008 because\n# hadolint shell=powershell\nFROM a\n", ""},
		{"hadolint's in a continuation is none", "FROM a\nRUN a && \\\n# hadolint ignore=DL3008\n  b\n", ""},

		{"tally's", "FROM a\n# tally ignore=hadolint/DL3008,max-lines;reason=it is so\n\nRUN b\n", "2 tally instruction RUN:4 hadolint/DL3008,max-lines reason=it is so\n"},
		{"tally's for a file", "#TALLY GLOBAL IGNORE = buildkit/UndefinedVar\nFROM a\n", "1 tally file - buildkit/UndefinedVar\n"},
		{"tally reads a reason for hadolint, too", "# hadolint ignore=DL3006;reason=base is ours\nFROM a\n", "1 hadolint instruction FROM:2 DL3006 reason=base is ours\n"},

		{"trivy's", "FROM a\n#trivy:ignore:AVD-DS-0002:exp:2027-01-31 trivy:ignore:DS-0010\nUSER root\n",
			"2 trivy instruction USER:3 AVD-DS-0002 until=2027-01-31\n2 trivy instruction USER:3 DS-0010\n"},
		{"trivy's for everything names no rule", "# trivy:ignore:*\nFROM a\n", ""},
		{"trivy's below a blank line is none", "# trivy:ignore:DS002\n\nFROM a\n", ""},

		{"checkov's", "FROM a\n# checkov:skip=CKV_DOCKER_3: root is needed\nUSER root\n", "2 checkov file - CKV_DOCKER_3 reason=root is needed\n"},
		{"checkov's in a continuation", "FROM a\nRUN a && \\\n #bridgecrew:skip=CKV_DOCKER_9,CKV2_DOCKER_1\n b\n", "3 checkov file - CKV_DOCKER_9,CKV2_DOCKER_1\n"},

		{"BuildKit's at the top", "# syntax=docker/dockerfile:1\n# check=skip=A,B;error=true\nFROM a\n", "2 buildkit file - A,B\n"},
		{"BuildKit's above an instruction", "FROM a\n# why\n# check=skip=A\nRUN b\n", "3 buildkit instruction RUN:4 A\n"},
		{"its first one counts", "FROM a\n# check=skip=A\n# check=skip=B\n\nRUN b\n", "2 buildkit instruction RUN:5 A\n"},
		{"an empty comment ends it", "FROM a\n# check=skip=A\n#\nRUN b\n", ""},
		{"an indented one is lost", "FROM a\n  # check=skip=A\nRUN b\n", ""},
		{"with a word behind", "FROM a\n# check=skip=A, because\nRUN b\n", "2 buildkit instruction RUN:3 A\n"},
		{"what cannot be read", "FROM a\n# check=skip\n# check=skip=A\nRUN b\n", ""},
		{"all is BuildKit's own affair", "# check=skip=all\nFROM a\n", ""},

		{"several of all kinds", "# imgaudit:ignore=x\n# hadolint ignore=DL3006\n# checkov:skip=CKV_DOCKER_7\nFROM a\n",
			"1 imgaudit stage FROM:4 x\n2 hadolint instruction FROM:4 DL3006\n3 checkov file - CKV_DOCKER_7\n"},
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte(test.source), dockerfile.Options{})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := describeWaivers(t, f); got != test.want {
			t.Errorf("%s:\n%s\ngot:\n%swant:\n%s", test.name, test.source, got, test.want)
		}
	}
}

// TestWaiverCovers holds which lines a waiver is about.
func TestWaiverCovers(t *testing.T) {
	source := "# checkov:skip=C\n# imgaudit:ignore=s\nFROM a AS a\nRUN b && \\\n  c\n# imgaudit:ignore=u\n\nUSER root\nFROM b\nRUN c\n# hadolint stage ignore=DL1\nRUN d\nRUN e\n"
	f, err := dockerfile.Parse("Dockerfile", []byte(source), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range f.Waivers() {
		lines := ""
		for n := range 20 {
			if w.Covers(n) {
				lines += fmt.Sprintf(" %d", n)
			}
		}
		got = append(got, w.Rules[0].Value+lines)
	}
	want := "C 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; s 3 4 5 6 7 8; u 8; DL1 12 13"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// FuzzWaivers holds that no comment makes the reader panic, and that spans are what they say.
func FuzzWaivers(f *testing.F) {
	f.Add([]byte("# imgaudit:ignore=x, y reason=\"a\" until=2027-01-31\n# trivy:ignore:DS002:exp:2027-01-31\n# check=skip=A,B\nFROM a\n# hadolint stage ignore=DL1 # b\nRUN <<E\n# tally ignore=c;reason=d\nE\n# checkov:skip=CKV_1:e\nUSER u \\\n# tally global ignore=f\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		file, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{})
		if err != nil {
			return
		}
		describeWaivers(t, file)
	})
}
