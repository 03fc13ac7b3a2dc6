package layers

import (
	"fmt"
	"strings"
)

// parsePlatform reads "os/arch[/variant]".
func parsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return Platform{}, fmt.Errorf("platform %q: want os/arch[/variant]", s)
	}
	p := Platform{OS: strings.ToLower(parts[0]), Architecture: strings.ToLower(parts[1])}
	if len(parts) == 3 {
		p.Variant = strings.ToLower(parts[2])
	}
	switch p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	}
	return p, nil
}

// usual is the variant that is meant when none is written. Source: containerd/platforms.
func (p Platform) usual() string {
	switch {
	case p.Variant != "":
		return p.Variant
	case p.Architecture == "arm64":
		return "v8"
	case p.Architecture == "arm":
		return "v7"
	case p.Architecture == "amd64":
		return "v1"
	}
	return ""
}

// satisfies tells whether an image for p is what was asked for: the same system and architecture, and the same
// variant if one was asked for.
func (p Platform) satisfies(want Platform) bool {
	return p.OS == want.OS && p.Architecture == want.Architecture && (want.Variant == "" || p.usual() == want.usual())
}

// choose picks the image for a platform of an index: exactly what was asked for before a mere variant of it; without
// a wish linux/amd64, else the only Linux one.
func choose(candidates []descriptor, wish string) (descriptor, error) {
	if len(candidates) == 0 {
		return descriptor{}, fmt.Errorf("%w: the index lists no image", ErrPlatform)
	}
	if wish == "" {
		return chooseDefault(candidates)
	}
	want, err := parsePlatform(wish)
	if err != nil {
		return descriptor{}, err
	}
	var near *descriptor
	for i, c := range candidates {
		switch {
		case c.Platform == nil || !c.Platform.satisfies(want):
		case c.Platform.usual() == want.usual():
			return c, nil
		case near == nil:
			near = &candidates[i]
		}
	}
	if near != nil {
		return *near, nil
	}
	if len(candidates) == 1 && candidates[0].Platform == nil {
		return candidates[0], nil // its config decides
	}
	return descriptor{}, fmt.Errorf("%w: %s, there is %s", ErrPlatform, want, listed(candidates))
}

func chooseDefault(candidates []descriptor) (descriptor, error) {
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	var linux []descriptor
	for _, c := range candidates {
		if c.Platform == nil || c.Platform.OS != "linux" {
			continue
		}
		if c.Platform.Architecture == "amd64" && c.Platform.usual() == "v1" {
			return c, nil
		}
		linux = append(linux, c)
	}
	if len(linux) == 1 {
		return linux[0], nil
	}
	return descriptor{}, fmt.Errorf("%w: linux/amd64 or only one for linux, there is %s", ErrPlatform, listed(candidates))
}

// listed names the platforms of an index in its order.
func listed(candidates []descriptor) string {
	const most = 20
	var names []string
	for i, c := range candidates {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(candidates)-most))
			break
		}
		if c.Platform == nil {
			names = append(names, "one without a platform")
			continue
		}
		names = append(names, printable(c.Platform.String()))
	}
	return strings.Join(names, ", ")
}

// printable quotes a short string of the image unless it is plain.
func printable(s string) string {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("%.80q", s)
		}
	}
	if len(s) > 80 {
		return fmt.Sprintf("%.80q", s)
	}
	return s
}
