package repair

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// demand is one thing that the image must have, and how that is known.
type demand struct {
	topic   binary.Topic
	because string
	names   []string
}

// UsesNames are the names of the standard library that tell needs in source.
var UsesNames = []string{
	"time.LoadLocation", "os.CreateTemp", "os.MkdirTemp", "os.TempDir", "io/ioutil.TempFile", "io/ioutil.TempDir",
	"os/user.Current", "os/user.Lookup", "os/user.LookupId", "os/user.LookupGroup", "os/user.LookupGroupId",
	"os/exec.Command", "os/exec.CommandContext", "crypto/x509.SystemCertPool",
}

// demands finds out what the program needs: by the binary if there is one, else by what its source uses; then rather
// too much than too little.
func (g *generator) demands() {
	if g.Binary != nil && g.Binary.Opaque == "" {
		g.binaryDemands()
		return
	}
	if g.Binary != nil {
		g.assume("the program cannot be looked into: " + g.Binary.Opaque)
		return
	}
	if g.Uses == nil {
		g.assume("its source was not read")
		return
	}
	g.sourceDemands()
}

// cheap are the needs that are met on suspicion.
var cheap = []binary.Topic{binary.TopicCARoots, binary.TopicZoneinfo, binary.TopicTempDir, binary.TopicUserDatabase}

// assume takes the program to need all that costs little.
func (g *generator) assume(because string) {
	for _, t := range cheap {
		if !slices.ContainsFunc(g.needs, func(d demand) bool { return d.topic == t }) {
			g.needs = append(g.needs, demand{topic: t, because: "assumed: " + because})
		}
	}
	if g.Main == nil {
		return
	}
	g.note("what the program needs is not known exactly: --build finds out, and the lines that say \"assumed\" go or are explained")
}

func (g *generator) binaryDemands() {
	for _, n := range g.Binary.Needs {
		if n.Topic == binary.TopicCARoots && feature(g.Binary, binary.FeatureRoots) || n.Topic == binary.TopicZoneinfo && feature(g.Binary, binary.FeatureTZData) && g.Main == nil {
			continue
		}
		because := string(n.Certainty)
		if len(n.Evidence) > 0 {
			because = told(n.Evidence[0])
		}
		g.needs = append(g.needs, demand{n.Topic, because, n.Names})
	}
}

// told is a line of evidence in few words: who calls what.
func told(e binary.Evidence) string {
	text, _, _ := strings.Cut(e.Text, ", by way of ")
	for i := len(e.Path) - 1; i >= 0; i-- {
		if !strings.Contains(text, e.Path[i]) {
			return e.Path[i] + " " + text
		}
	}
	return "the program " + text
}

// fromSettings adds what the settings of an image ask for: TZ names a zone, for time.Local.
func (g *generator) fromSettings() {
	if g.Image == nil || g.Image.Image == nil {
		return
	}
	_, has := g.need(binary.TopicZoneinfo)
	if tz, ok := g.Image.Image.Config.Getenv("TZ"); ok && tz != "" && !has && !feature(g.Binary, binary.FeatureTZData) {
		g.needs = append(g.needs, demand{topic: binary.TopicZoneinfo, because: "TZ=" + tz})
	}
	if id := g.Image.Image.Config.User; g.user() == numbers && id != numbers && len(g.Image.Image.Config.Volumes) > 0 {
		g.note("the image ran as root, and its volumes hold root's files: give them to %s", numbers)
	}
}

func feature(b *binary.Binary, name string) bool {
	_, ok := b.Feature(name)
	return ok
}

// sourceTopics are the needs that a mention in the source tells of.
var sourceTopics = []struct {
	topic   binary.Topic
	imports []string
	calls   []string
}{
	{binary.TopicCARoots, []string{"net/http", "crypto/tls", "net/smtp", "net/rpc"}, []string{"crypto/x509.SystemCertPool"}},
	{binary.TopicZoneinfo, nil, []string{"time.LoadLocation"}},
	{binary.TopicTempDir, []string{"net/http", "mime/multipart"}, []string{"os.CreateTemp", "os.MkdirTemp", "os.TempDir", "io/ioutil.TempFile", "io/ioutil.TempDir"}},
	{binary.TopicUserDatabase, []string{"os/user"}, nil},
	{binary.TopicExec, []string{"os/exec"}, nil},
}

func (g *generator) sourceDemands() {
	for _, t := range sourceTopics {
		if because := g.mentioned(t.imports, t.calls); because != "" {
			g.needs = append(g.needs, demand{topic: t.topic, because: because})
		}
	}
	if len(g.Uses.Foreign) > 0 {
		g.assume(fmt.Sprintf("it imports %s, whose source is not here", g.Uses.Foreign[0]))
	} else if slices.ContainsFunc(g.needs, func(d demand) bool { return strings.Contains(d.because, "imports") }) {
		g.note("needs are told by imports: --build finds out which of them the program has")
	}
}

// mentioned says where one of the calls stands, or else which import may make them.
func (g *generator) mentioned(imports, calls []string) string {
	for _, name := range calls {
		if at := g.Uses.Calls[name]; at != "" {
			return name + " in " + at
		}
	}
	for _, imp := range imports {
		if slices.Contains(g.Main.Imports, imp) {
			return "the program imports " + imp
		}
	}
	return ""
}

// need returns a demand, and whether there is one.
func (g *generator) need(t binary.Topic) (demand, bool) {
	i := slices.IndexFunc(g.needs, func(d demand) bool { return d.topic == t })
	if i < 0 {
		return demand{}, false
	}
	return g.needs[i], true
}

// serving is the comment of a line that serves a need.
func (d demand) serving() string { return fmt.Sprintf("%s: %s", d.topic, d.because) }
