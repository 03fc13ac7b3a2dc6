package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

// registriesConf is what the registries.conf files of Podman, Buildah and Skopeo say together.
// Source: containers-registries.conf(5), and containers-registries.conf.d(5) for the files beside it.
type registriesConf struct {
	// Search are the registries that other tools would search for a name without a registry. They are named in messages.
	Search   []string       `toml:"unqualified-search-registries"`
	Registry []registryConf `toml:"registry"`
	// V1 is the older form, which must not be overlooked: it may block.
	V1 struct {
		Insecure, Block struct {
			Registries []string `toml:"registries"`
		}
	} `toml:"registries"`
}

// registryConf is one [[registry]] table.
type registryConf struct {
	Prefix             string
	Location           string
	Insecure           bool
	Blocked            bool
	MirrorByDigestOnly bool `toml:"mirror-by-digest-only"`
	Mirror             []mirrorConf
	file               string
}

// mirrorConf is one [[registry.mirror]] table.
type mirrorConf struct {
	Location       string
	Insecure       bool
	PullFromMirror string `toml:"pull-from-mirror"` // "all", "digest-only" or "tag-only"
}

// loadRegistriesConf reads the files that podman would read: CONTAINERS_REGISTRIES_CONF, else the user's, else the
// system's; then the drop-in directories, of the user alone if the user has a file.
// Source: go.podman.io/image, pkg/sysregistriesv2, newConfigWrapper.
func loadRegistriesConf(env environment) (*registriesConf, error) {
	const system = "/etc/containers"
	user := env.config("containers")
	main, dirs := env.get("CONTAINERS_REGISTRIES_CONF"), []string{filepath.Join(system, "registries.conf.d")}
	explicit := main != ""
	if user != "" {
		dirs = append(dirs, filepath.Join(user, "registries.conf.d"))
		if own := filepath.Join(user, "registries.conf"); main == "" && exists(own) {
			main, dirs = own, dirs[1:]
		}
	}
	if main == "" {
		main = filepath.Join(system, "registries.conf")
	}
	var files []string
	if explicit || exists(main) {
		files = append(files, main)
	}
	for _, dir := range dirs {
		more, err := filepath.Glob(filepath.Join(dir, "*.conf"))
		if err != nil {
			return nil, err
		}
		sort.Strings(more)
		files = append(files, more...)
	}
	all := &registriesConf{}
	for _, file := range files {
		if err := all.read(file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return all, nil
}

// read lays a file over what was read before: its tables replace those of the same prefix.
func (c *registriesConf) read(file string) error {
	data, err := readDocument(file, maxSettings)
	if err != nil {
		return err
	}
	var next registriesConf
	if err := toml.Unmarshal(data, &next); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return fmt.Errorf("line %d: %s", at.Position.Line, at.Message)
		}
		return err
	}
	if next.Search != nil {
		c.Search = next.Search
	}
	for _, host := range next.V1.Insecure.Registries {
		next.Registry = append(next.Registry, registryConf{Location: host, Insecure: true})
	}
	for _, host := range next.V1.Block.Registries {
		next.Registry = append(next.Registry, registryConf{Location: host, Blocked: true})
	}
	for _, r := range next.Registry {
		r.file = file
		if r.Prefix == "" {
			r.Prefix = r.Location
		}
		if err := r.check(); err != nil {
			return err
		}
		c.replace(r)
	}
	return nil
}

func (c *registriesConf) replace(r registryConf) {
	for i := range c.Registry {
		if c.Registry[i].Prefix == r.Prefix {
			c.Registry[i] = r
			return
		}
	}
	c.Registry = append(c.Registry, r)
}

// check refuses a table that does not say what it is about.
func (r *registryConf) check() error {
	r.Prefix, r.Location = strings.TrimSuffix(r.Prefix, "/"), strings.TrimSuffix(r.Location, "/")
	if r.Prefix == "" {
		return errors.New("a [[registry]] has neither prefix nor location")
	}
	if strings.Contains(r.Location, "://") || strings.Contains(r.Prefix, "://") {
		return fmt.Errorf("registry %s: a location has no scheme", printable(r.Prefix))
	}
	for _, m := range r.Mirror {
		switch m.PullFromMirror {
		case "", "all", "digest-only", "tag-only":
		default:
			return fmt.Errorf("registry %s: pull-from-mirror is %s", printable(r.Prefix), printable(m.PullFromMirror))
		}
		if m.Location == "" || strings.Contains(m.Location, "://") {
			return fmt.Errorf("registry %s: a mirror's location is %s", printable(r.Prefix), printable(m.Location))
		}
	}
	return nil
}

// covers returns how many bytes of a reference a prefix stands for, 0 if it is about other references.
func (r *registryConf) covers(ref string) int {
	end := len(r.Prefix)
	if sub, wild := strings.CutPrefix(r.Prefix, "*"); wild {
		host, _, _ := strings.Cut(ref, "/")
		at := strings.LastIndex(host, sub)
		if at <= 0 {
			return 0
		}
		end = at + len(sub)
	} else if !strings.HasPrefix(ref, r.Prefix) {
		return 0
	}
	if end == len(ref) || strings.IndexByte(":/@", ref[end]) >= 0 {
		return end
	}
	return 0
}

// of returns the table with the longest prefix of a reference, and how much of the reference it stands for.
func (c *registriesConf) of(ref reference) (best *registryConf, covered int) {
	for i := range c.Registry {
		r := &c.Registry[i]
		if n := r.covers(ref.String()); n > 0 && (best == nil || len(r.Prefix) > len(best.Prefix)) {
			best, covered = r, n
		}
	}
	return best, covered
}

// place is one registry to ask for an image.
type place struct {
	ref      reference
	insecure bool
	mirror   bool
}

// places lists where to ask for an image, in order: the mirrors, then the registry itself.
func (c *registriesConf) places(ref reference) ([]place, error) {
	r, covered := c.of(ref)
	if r == nil {
		return []place{{ref: ref}}, nil
	}
	if r.Blocked {
		return nil, fmt.Errorf("registry %s is blocked by %s", printable(r.Prefix), r.file)
	}
	rest := ref.String()[covered:]
	var list []place
	for _, m := range r.Mirror {
		byDigest := r.MirrorByDigestOnly || m.PullFromMirror == "digest-only"
		if byDigest && ref.digest == "" || m.PullFromMirror == "tag-only" && ref.digest != "" {
			continue
		}
		at, err := parseReference(strings.TrimSuffix(m.Location, "/") + rest)
		if err != nil {
			return nil, fmt.Errorf("mirror %s in %s: %w", printable(m.Location), r.file, err)
		}
		list = append(list, place{ref: at, insecure: m.Insecure, mirror: true})
	}
	at := ref
	if r.Location != "" && r.Location != r.Prefix {
		var err error
		if at, err = parseReference(r.Location + rest); err != nil {
			return nil, fmt.Errorf("location %s in %s: %w", printable(r.Location), r.file, err)
		}
	}
	return append(list, place{ref: at, insecure: r.Insecure}), nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}
