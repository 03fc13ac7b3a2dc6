package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

// reader takes the value of a key.
type reader func(*yaml.Node) error

// Error is what is wrong at one place of the file.
type Error struct {
	Line, Column int // from 1
	Because      string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Because) }

func wrong(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: n.Line, Column: n.Column, Because: fmt.Sprintf(format, args...)}
}

// behind is the node that an alias stands for.
func behind(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// mapping reads a mapping with these keys and no others, each at most once.
func mapping(n *yaml.Node, keys map[string]reader) error {
	m := behind(n)
	if m.Tag == "!!null" {
		return nil
	}
	if m.Kind != yaml.MappingNode {
		return wrong(n, "keys are expected here: %s", strings.Join(names(keys), ", "))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		read := keys[key.Value]
		switch {
		case read == nil || key.Kind != yaml.ScalarNode:
			return wrong(key, "unknown key %q; %s", key.Value, hint(key.Value, names(keys)))
		case seen[key.Value]:
			return wrong(key, "the key %q is given twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(value); err != nil {
			return err
		}
	}
	return nil
}

// hint names the key that was probably meant, or all.
func hint(key string, all []string) string {
	best, least := "", 4
	for _, name := range all {
		if d := levenshtein.Distance(key, name, nil); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "there are " + strings.Join(all, ", ")
}

func names(keys map[string]reader) []string {
	var all []string
	for k := range keys {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// scalar is the text of a single value.
func scalar(n *yaml.Node) (string, error) {
	s := behind(n)
	if s.Kind != yaml.ScalarNode || s.Tag == "!!null" {
		return "", wrong(n, "a single value is expected here")
	}
	return s.Value, nil
}

func text(to *string) reader {
	return func(n *yaml.Node) (err error) {
		*to, err = scalar(n)
		return err
	}
}

// list reads a sequence of single values. An empty one is not nil.
func list(to *[]string) reader {
	return func(n *yaml.Node) error {
		s := behind(n)
		if s.Kind != yaml.SequenceNode {
			return wrong(n, "a list is expected here")
		}
		*to = []string{}
		for _, item := range s.Content {
			value, err := scalar(item)
			if err != nil {
				return err
			}
			*to = append(*to, value)
		}
		return nil
	}
}

// variables reads a mapping of names to values, or a list of "K=V".
func variables(to *[]string) reader {
	return func(n *yaml.Node) error {
		m := behind(n)
		if m.Kind == yaml.SequenceNode {
			if err := list(to)(n); err != nil {
				return err
			}
			for i, kv := range *to {
				if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
					return wrong(m.Content[i], "%q is no NAME=VALUE", kv)
				}
			}
			return nil
		}
		if m.Kind != yaml.MappingNode {
			return wrong(n, "variables are expected here: NAME: VALUE")
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			name, err := scalar(m.Content[i])
			if err != nil {
				return err
			}
			value, err := scalar(m.Content[i+1])
			if err != nil {
				return err
			}
			*to = append(*to, name+"="+value)
		}
		return nil
	}
}

// ports reads a list of port numbers.
func ports(to *[]string) reader {
	return func(n *yaml.Node) error {
		if err := list(to)(n); err != nil {
			return err
		}
		for i, p := range *to {
			if number, err := strconv.ParseUint(p, 10, 16); err != nil || number == 0 {
				return wrong(behind(n).Content[i], "%q is no port", p)
			}
		}
		return nil
	}
}

// duration reads "10s". It is positive.
func duration(to *time.Duration) reader {
	return func(n *yaml.Node) error {
		value, err := scalar(n)
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return wrong(n, "%q is no duration such as 500ms or 10s", value)
		}
		*to = d
		return nil
	}
}
