package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// TestChecksBounded checks files that are made to take long: each is read in a moment, and not everything is said.
func TestChecksBounded(t *testing.T) {
	const n = 12_000
	var ports, defined, used, stages strings.Builder
	for k := range n {
		if k > 0 && k%1000 == 0 { // a physical line has at most 64 KiB
			ports.WriteString("\\\n")
			used.WriteString("\\\n")
			if k < n/2 {
				defined.WriteString("\\\n")
			}
		}
		fmt.Fprintf(&ports, " %d:%d", k, k)
		fmt.Fprintf(&used, "$a%d", k)
		if k < n/2 {
			fmt.Fprintf(&defined, " b%d=1", k)
		}
	}
	for range 40 {
		stages.WriteString("FROM scratch\nARG" + strings.Repeat(" a b c d", 100) + "\n")
	}
	for name, src := range map[string]string{
		"ports":        "FROM scratch\nEXPOSE" + ports.String() + "\n",
		"one word":     "FROM scratch\nUSER " + used.String() + "\n",
		"names":        "FROM scratch\nENV" + defined.String() + "\nUSER " + used.String() + "\n",
		"from":         "ARG" + defined.String() + "\nFROM a" + used.String() + "\n",
		"many sources": "FROM scratch\nCOPY" + strings.Repeat(strings.Repeat(" a $b", 1000)+"\\\n", n/2000) + " /c/\n",
		"stages":       stages.String(),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := dockerfile.Parse("Dockerfile", []byte(src), dockerfile.Options{})
			if err != nil {
				t.Fatalf("%.80s", err.Error())
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if len(f.Warnings) > 2000 {
				t.Errorf("%d warnings", len(f.Warnings))
			}
		})
	}
}

// TestCheckPlaces slices the file at each warning.
func TestCheckPlaces(t *testing.T) {
	f := mustParse(t, "ARG TAG=1\nFROM a:${TGA}${TAG} as Base\nENV A=\\$X B=\"'$X'\" C=${Y:-$Z}\nCOPY --chown=$U:$U $S \\\n  \"$S\" /b\n"+
		"COPY <<EOF /c\n\\$H ${H#x} '$H'\nEOF\nRUN --mount=target=$T,id=$T true\nMAINTAINER x\nENV A_KEY old $X\nEXPOSE 9:9 1/TCP\nCMD a b\n")
	var got []string
	for _, w := range f.Warnings {
		got = append(got, fmt.Sprintf("%d %s %s", w.First, w.Rule, f.Text(w.Span)))
	}
	want := []string{
		"2 UndefinedArgInFrom ${TGA}", "2 FromAsCasing as", "2 StageNameCasing Base",
		"3 UndefinedVar $X", "3 UndefinedVar ${Y:-$Z}", "3 UndefinedVar $Z",
		"4 UndefinedVar $U", "4 UndefinedVar $S", "4 UndefinedVar $S",
		"6 UndefinedVar ${H#x}", "9 UndefinedVar $T", "9 UndefinedVar $T", "10 MaintainerDeprecated MAINTAINER",
		"11 LegacyKeyValueFormat A_KEY old $X", "11 SecretsUsedInArgOrEnv A_KEY", "11 UndefinedVar $X",
		"12 ExposeInvalidFormat 9:9", "12 ExposeProtoCasing 1/TCP", "13 JSONArgsRecommended a b",
	}
	equal(t, "warnings", strings.Join(got, "\n"), strings.Join(want, "\n"))
}
