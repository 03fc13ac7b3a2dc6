package target

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// configStep is what an instruction that makes no layer writes into the history.
func (p *predictor) configStep(s *dockerfile.Stage, in *dockerfile.Instruction) string {
	switch in.Keyword {
	case "ENTRYPOINT", "CMD":
		return p.commandStep(s, in)
	case "ENV", "ARG":
		return envStep(s, in)
	case "HEALTHCHECK":
		return healthStep(in)
	}
	var words []string
	for _, w := range in.Words {
		value, ok := p.plain(s, w.Value)
		if !ok {
			value = w.Value
		}
		words = append(words, value)
	}
	switch in.Keyword {
	case "EXPOSE":
		slices.Sort(words)
		var ports []string
		for _, w := range words {
			ports = append(ports, portsOf(w)...)
		}
		return fmt.Sprintf("EXPOSE %v", ports)
	case "VOLUME", "SHELL":
		return fmt.Sprintf("%s %v", in.Keyword, words)
	}
	return in.Keyword + " " + strings.Join(words, " ")
}

// commandStep is what CMD and ENTRYPOINT write into the history.
func (p *predictor) commandStep(s *dockerfile.Stage, in *dockerfile.Instruction) string {
	c := dockerfile.Command{Exec: in.JSON, By: in}
	for _, w := range in.Words {
		c.Words = append(c.Words, w.Value)
	}
	return fmt.Sprintf("%s %q", in.Keyword, p.words(s, c))
}

// envStep is what ENV and ARG write into the history: the values they come to.
func envStep(s *dockerfile.Stage, in *dockerfile.Instruction) string {
	list := s.Env
	if in.Keyword == "ARG" {
		list = s.Args
	}
	step := in.Keyword
	for _, w := range in.Words {
		key, value, hasValue := strings.Cut(w.Value, "=")
		for _, v := range list {
			if v.Key == key && v.By == in && v.Known {
				value, hasValue = v.Value, true
			}
		}
		step += " " + key
		if hasValue {
			step += "=" + value
		}
	}
	return step
}

// healthStep is what HEALTHCHECK writes into the history: the value of dockerspec.HealthcheckConfig.
func healthStep(in *dockerfile.Instruction) string {
	test := []string{"CMD-SHELL"}
	if len(in.Words) > 0 && (in.JSON || in.Words[0].Value == "NONE") {
		test = []string{in.Words[0].Value} // CMD or NONE
	}
	for _, w := range in.Words[min(1, len(in.Words)):] {
		test = append(test, w.Value)
	}
	flags := map[string]string{}
	for _, f := range in.Flags {
		flags[f.Name] = f.Value
	}
	took := func(name string) time.Duration { d, _ := time.ParseDuration(flags[name]); return d }
	return fmt.Sprintf("HEALTHCHECK {Test:%v Interval:%v Timeout:%v StartPeriod:%v StartInterval:%v Retries:%s}", test,
		took("interval"), took("timeout"), took("start-period"), took("start-interval"), cmp.Or(flags["retries"], "0"))
}
