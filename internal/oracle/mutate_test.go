package oracle

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// mutants is how many changed files are made of each.
const mutants = 2

// extra are lines that BuildKit's checks are about, put between the lines of other files.
var extra = strings.Split(`FROM --platform=linux/amd64 debian AS Base
from alpine as base
FROM --platform=$TARGETPLATFORM debian AS linux
FROM --platform=${BUILDPLATFORM} debian As context
FROM --platform=$NOPE debian
FROM debian:$VERSION AS scratch
FROM ${IMAGE:-debian}:${TAG} AS tagged
FROM base AS child
FROM scratch
ARG VERSION
ARG VERSION=1.2 OTHER=$VERSION
ARG DB_PASSWORD
ARG TAG=12 IMAGE
ARG TOKEN_FILE MY_TOKEN="a b"
ENV APIKEY=1 PUBLIC_KEY=2 Secret_x=$MY_TOKEN
ENV key some value $UNKNOWN
ENV A=$B B=${A:-$C} PATH=$PATH:/x
ENV A=\$NOT B='$NOT' C="$YES ${YES}"
Env Mixed=Case
env lower=case
LABEL a b
LABEL a="$A" b=$UNDEFINED
WORKDIR app
WORKDIR /app
WORKDIR $HOME/x
WORKDIR x/${VERSION}
WORKDIR "quoted dir"
EXPOSE 80/TCP 127.0.0.1:80:80 ${PORT}
EXPOSE 8080:80/Udp 9000-9001
EXPOSE $PORT
EXPOSE "81/tcp"
CMD run it
CMD ["run", "it"]
cmd again
ENTRYPOINT ./entry $A
ENTRYPOINT ["/entry"]
SHELL ["/bin/bash", "-c"]
HEALTHCHECK CMD true
HEALTHCHECK NONE
MAINTAINER somebody
maintainer some body <a@b>
USER ${USER_ID}:$GROUP
USER 65532
VOLUME ["/data", "$VOL"]
VOLUME /a $B
STOPSIGNAL ${SIG:-SIGTERM}
STOPSIGNAL $SIGNAL
COPY $SRC ${DST:-/dst}/
COPY --chown=$UID:$UID --chmod=0755 a b /c/
COPY ["a b", "$C", "/d/"]
COPY --from=base /a /b
COPY --from=0 $X /b
COPY --from=example.com/image /a /b
COPY <<EOF $TARGET
$BODY \$ESC '${QUOTED}'
EOF
COPY <<'EOF' /quoted
$BODY
EOF
ADD --checksum=$SUM https://example.com/a.tar.gz /a
ADD http://example.com/$FILE .gitignore .env /b/
RUN --mount=type=cache,target=$CACHE,id=$VERSION make
RUN --mount=type=bind,source=a$SRC,target=/b,rw go build
RUN --mount=type=secret,id=$ID,env=TOKEN_KEY true
RUN echo $NOT_EXPANDED
ONBUILD WORKDIR rel
ONBUILD ENV key old $VALUE
ONBUILD CMD shell form
ONBUILD ARG A_TOKEN=$D
ONBUILD COPY $SRC /x/
# check=skip=all
# check=skip=UndefinedVar,SecretsUsedInArgOrEnv
# check=skip=JSONArgsRecommended;experimental=all
# check=experimental=InvalidDefinitionDescription
# check=skip=StageNameCasing,FromAsCasing,ConsistentInstructionCasing
# VERSION is described here
# something else
#
`, "\n")

// heads are first lines.
var heads = []string{
	"# check=skip=JSONArgsRecommended\n", "# check=error=true\n", "# check=skip=all\n", "# check=experimental=all;skip=UndefinedVar\n",
	"# syntax=docker/dockerfile:1\n# check=skip=WorkdirRelativePath,StageNameCasing;error=true\n", "# escape=`\n", "\xef\xbb\xbf",
	"# check=error=true;experimental=InvalidDefinitionDescription\n", "ARG VERSION=3\nARG TAG\n", "ARG IMAGE=debian TAG=1 DST=${TAG}x\n",
}

// ignores are .dockerignore files.
var ignores = []string{".env\n.git*\n", "*\n", "**/*.go\na*\n", "a\n!b\n"}

// mutate changes each small file in a few places. What becomes of a file depends on nothing but its text.
func mutate(files []file) []file {
	var out []file
	for _, f := range files {
		if len(f.source) > 4096 || !strings.Contains(string(f.source), "\n") {
			continue
		}
		seed := fnv.New64a()
		seed.Write(f.source)
		random := rand.New(rand.NewPCG(seed.Sum64(), 22))
		for k := range mutants {
			out = append(out, mutant(random, f, k))
		}
	}
	return out
}

func mutant(random *rand.Rand, f file, k int) file {
	text := string(f.source)
	for range 1 + random.IntN(5) {
		text = change(random, text)
	}
	if random.IntN(8) == 0 {
		text = heads[random.IntN(len(heads))] + text
	}
	if random.IntN(20) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if random.IntN(2) == 0 {
		f.ignore = ignores[random.IntN(len(ignores))]
	}
	return file{name: fmt.Sprintf("%s (mutant %d)", f.name, k), source: []byte(text), ignore: f.ignore}
}

// change makes one change.
func change(random *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	k := random.IntN(len(lines))
	word, rest, _ := strings.Cut(lines[k], " ")
	switch random.IntN(12) {
	case 0:
		lines[k] = strings.ToLower(word) + " " + rest
	case 1:
		lines[k] = strings.ToUpper(word[:min(1, len(word))]) + strings.ToLower(word[min(1, len(word)):]) + " " + rest
	case 2:
		lines[k] = strings.NewReplacer(" AS ", " as ", " as ", " As ").Replace(lines[k])
	case 3:
		lines = append(lines[:k], lines[min(k+1, len(lines)):]...)
	case 4:
		lines[k] += "\n" + lines[k]
	case 5:
		lines[k] = strings.Replace(lines[k], " ", " \\\n\n# between\n", 1)
	case 6:
		lines[k] = strings.Replace(lines[k], "=", " ", 1)
	case 7:
		lines[k] = strings.Replace(lines[k], "$", "$X", 1)
	default:
		lines[k] += "\n" + line(random)
	}
	return strings.Join(lines, "\n")
}

// line is one of the extra lines, a heredoc whole.
func line(random *rand.Rand) string {
	k := random.IntN(len(extra))
	if strings.Contains(extra[k], "<<") {
		return strings.Join(extra[k:k+3], "\n")
	}
	return extra[k]
}
