package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/config"
)

// engineAddresses lists where an engine may listen, in the order in which its own client looks: what the user named,
// else the usual sockets.
// Sources: docker(1), "Environment variables" and docker-context(1); podman-remote(1), podman-system-service(1).
func engineAddresses(env environment, kind Kind) ([]string, error) {
	var sockets []string
	switch kind {
	case Docker:
		if host := env.get("DOCKER_HOST"); host != "" {
			return []string{host}, nil
		}
		if host, err := dockerContext(env); host != "" || err != nil {
			return []string{host}, err
		}
		sockets = []string{"/var/run/docker.sock", env.runtime("docker.sock")}
		if home := env.home(); home != "" {
			sockets = append(sockets, filepath.Join(home, ".docker/run/docker.sock"))
		}
	case Podman:
		if host := env.get("CONTAINER_HOST"); host != "" {
			return []string{host}, nil
		}
		session := env.runtime("podman/podman.sock")
		if session == "" && os.Getuid() != 0 {
			session = filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "podman/podman.sock")
		}
		sockets = []string{session, "/run/podman/podman.sock"}
	}
	var list []string
	for _, s := range sockets {
		if s != "" {
			list = append(list, "unix://"+s)
		}
	}
	return list, nil
}

// dockerContext is the address of the context that docker uses, "" for its default one.
func dockerContext(env environment) (string, error) {
	dir := env.get("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(env.home(), ".docker")
	}
	current := env.get("DOCKER_CONTEXT")
	if current == "" {
		var settings struct{ CurrentContext string }
		data, err := readDocument(filepath.Join(dir, config.ConfigFileName), maxSettings)
		if err != nil || json.Unmarshal(data, &settings) != nil {
			return "", nil // then docker uses its default context, too
		}
		current = settings.CurrentContext
	}
	if current == "" || current == "default" {
		return "", nil
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	file := filepath.Join(dir, "contexts", "meta", strings.TrimPrefix(digestOf([]byte(current)), "sha256:"), "meta.json")
	data, err := readDocument(file, maxSettings)
	if err == nil {
		err = json.Unmarshal(data, &meta)
	}
	if err == nil && meta.Endpoints["docker"].Host == "" {
		err = errors.New("it has no address")
	}
	if err != nil {
		return "", fmt.Errorf("docker's context %s: %w", printable(current), err)
	}
	return meta.Endpoints["docker"].Host, nil
}
