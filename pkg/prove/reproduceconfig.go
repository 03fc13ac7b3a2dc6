package prove

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// stepBefore is where buildah and podman write the image that a step started from, and docker's classic builder the last.
var stepBefore = regexp.MustCompile(`^history\.\d+\.comment$|^(container_)?config\.Image$`)

// ofContainer is where docker's classic builder writes the container of its last step.
var ofContainer = regexp.MustCompile(`^container$|^container_config\.Hostname$`)

// compareConfigs compares what the configs say beside the digests of the layers.
func (c *comparison) compareConfigs() error {
	var flat [2]map[string]string
	for i, b := range c.built {
		in, err := os.Open(b.archive)
		if err != nil {
			return err
		}
		l, err := readLayout(in)
		in.Close()
		if err != nil {
			return err
		}
		delete(l.config, "rootfs")
		flat[i] = map[string]string{}
		flatten(flat[i], "", l.config)
	}
	keys := map[string]bool{}
	for _, f := range flat {
		for k := range f {
			keys[k] = true
		}
	}
	spans := [2]span{c.built[0].span(), c.built[1].span()}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		a, b := flat[0][k], flat[1][k]
		if a == b {
			continue
		}
		d := audit.Difference{What: "config", Path: k, First: a, Second: b, Blame: audit.Blame{Kind: audit.BlameUnknown, Because: "the config has no lines"}}
		d.Cause, d.Because = textCause(a, b, spans)
		if stepBefore.MatchString(k) && namesImage(a) && namesImage(b) && len(c.found.Differs) > 0 {
			d.Cause, d.Because = audit.CauseFollows, "the builder names the image of the step before, which differs"
		}
		switch {
		case c.ofMovedBase(k):
			d.Cause, d.Because = audit.CauseFollows, "the base image differs, and its history with it"
		case d.Cause == audit.CauseTime && (k == "created" || strings.HasPrefix(k, "history") && strings.HasSuffix(k, "created")):
			d.Because = "the builder does not write SOURCE_DATE_EPOCH in its place"
		}
		d = withRemedy(d)
		if ofContainer.MatchString(k) {
			d.Cause, d.Because, d.Remedy = audit.CauseRandom, "docker's classic builder writes down in which container it worked", "Build with BuildKit"
		}
		c.add(d, -1, "")
	}
	if len(c.found.Differs) == 0 {
		c.add(audit.Difference{What: "config", Cause: audit.CauseUnknown, Because: "the manifests or configs are written in different ways", Blame: audit.Blame{Kind: audit.BlameUnknown, Because: "no layer differs"}}, -1, "")
	}
	return nil
}

// ofMovedBase reports whether a value stands in the history of a base image that differs.
func (c *comparison) ofMovedBase(key string) bool {
	var step int
	if n, _ := fmt.Sscanf(key, "history.%d.", &step); n != 1 {
		return false
	}
	last := -1
	for i, s := range c.images[0].History {
		if s.Layer >= 0 && s.Layer < c.moved {
			last = i
		}
	}
	return step <= last
}

// namesImage reports whether a builder wrote an image there.
func namesImage(text string) bool {
	return strings.HasPrefix(text, "FROM ") || strings.HasPrefix(text, "sha256:")
}

// flatten gives every value in decoded JSON a name: "config.Env.0".
func flatten(into map[string]string, name string, v any) {
	under := func(k string) string { return strings.TrimPrefix(name+"."+k, ".") }
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flatten(into, under(k), e)
		}
	case []any:
		for i, e := range v {
			flatten(into, under(fmt.Sprint(i)), e)
		}
	case string:
		into[name] = v
	default:
		text, _ := json.Marshal(v) // it was decoded from JSON
		into[name] = string(text)
	}
}
