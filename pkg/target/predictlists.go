package target

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// lists fills in what EXPOSE, VOLUME and LABEL add to the config. A word whose value is not known is left out: no rule
// takes the absence of a port, volume or label for a fault.
func (p *predictor) lists(s *dockerfile.Stage, c *layers.Config) {
	ports, volumes := set(c.ExposedPorts), set(c.Volumes)
	c.Labels = maps.Clone(c.Labels)
	for _, in := range chainOf(s) {
		for _, w := range in.Words {
			value, ok := p.plain(s, w.Value)
			if !ok {
				continue
			}
			switch in.Keyword {
			case "EXPOSE":
				for _, port := range portsOf(value) {
					ports[port] = true
				}
			case "VOLUME":
				volumes[value] = true
			case "LABEL":
				if c.Labels == nil {
					c.Labels = map[string]string{}
				}
				if k, v, ok := strings.Cut(value, "="); ok {
					c.Labels[k] = v
				}
			}
		}
	}
	c.ExposedPorts, c.Volumes = keysOf(ports), keysOf(volumes)
}

func set(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

func keysOf(m map[string]bool) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// plain gives a word whose only variables are whole ones that the stage sets once: $NAME, ${NAME}.
func (p *predictor) plain(s *dockerfile.Stage, word string) (string, bool) {
	if !strings.Contains(word, "$") {
		return word, true
	}
	name := strings.TrimPrefix(word, "$")
	if strings.HasPrefix(name, "{") && strings.HasSuffix(name, "}") {
		name = name[1 : len(name)-1]
	}
	for _, list := range [][]dockerfile.EnvVar{s.Env, s.Args} {
		for _, v := range list {
			if v.Key == name && v.Known {
				return v.Value, true
			}
		}
	}
	return "", false
}

// portsOf gives the ports of a word of EXPOSE, "8080", "53/udp", "8080-8082", as the config has them.
func portsOf(word string) []string {
	ports, proto, _ := strings.Cut(strings.ToLower(word), "/")
	if proto == "" {
		proto = "tcp"
	}
	from, to, isRange := strings.Cut(ports[strings.LastIndexByte(ports, ':')+1:], "-")
	if !isRange {
		to = from
	}
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	if errA != nil || errB != nil || a < 0 || b > 65535 || b < a {
		return nil
	}
	var list []string
	for n := a; n <= b; n++ {
		list = append(list, strconv.Itoa(n)+"/"+proto)
	}
	return list
}
