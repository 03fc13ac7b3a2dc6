package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// authFiles lists the files in which credentials may stand, the first with some for a registry wins: the one the user
// names, Docker's, Podman's of this session, Podman's that lasts. Source: containers-auth.json(5).
func authFiles(env environment) []string {
	var files []string
	if file := env.get("REGISTRY_AUTH_FILE"); file != "" {
		files = append(files, file)
	}
	if dir := env.get("DOCKER_CONFIG"); dir != "" {
		files = append(files, filepath.Join(dir, config.ConfigFileName))
	} else if home := env.home(); home != "" {
		files = append(files, filepath.Join(home, ".docker", config.ConfigFileName))
	}
	session := env.runtime("containers/auth.json")
	if session == "" {
		session = filepath.Join("/run/containers", strconv.Itoa(os.Getuid()), "auth.json")
	}
	files = append(files, session)
	if dir := env.config("containers"); dir != "" {
		files = append(files, filepath.Join(dir, "auth.json"))
	}
	return files
}

// findCredentials finds what to log in with: for the repository, else for the namespaces above it, else for the registry.
// Without any it is anonymous; then why says what was wrong with those that should have been there.
func findCredentials(ctx context.Context, env environment, reg name.Registry, repo string) (auth authn.Authenticator, why error) {
	type result struct {
		auth authn.Authenticator
		why  error
	}
	done := make(chan result, 1)
	go func() { // a credential helper may wait for ever
		auth, why := lookUp(env, reg, repo)
		done <- result{auth, why}
	}()
	select {
	case r := <-done:
		return r.auth, r.why
	case <-ctx.Done():
		return authn.Anonymous, fmt.Errorf("waiting for the credential helper: %w", context.Cause(ctx))
	}
}

func lookUp(env environment, reg name.Registry, repo string) (authn.Authenticator, error) {
	var why error
	try := func(source string, data []byte, err error) authn.Authenticator {
		var found types.AuthConfig
		if err == nil {
			found, err = credentialsIn(data, reg, repo)
		}
		if err != nil && why == nil {
			why = fmt.Errorf("credentials of %s: %w", source, err)
		}
		if err != nil || !given(found) {
			return nil
		}
		return authn.FromConfig(authn.AuthConfig{Username: found.Username, Password: found.Password, Auth: found.Auth,
			IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken})
	}
	if text := env.get(configfile.DockerEnvConfigKey); text != "" {
		if auth := try(configfile.DockerEnvConfigKey, []byte(text), nil); auth != nil {
			return auth, nil
		}
	}
	for _, file := range authFiles(env) {
		if !exists(file) {
			continue
		}
		data, err := readDocument(file, maxSettings)
		if auth := try(file, data, err); auth != nil {
			return auth, nil
		}
	}
	return authn.Anonymous, why
}

// credentialsIn looks into one file: for the repository and the namespaces above it, then for the registry, there or with
// a helper. The keys of the first registry are its old names.
func credentialsIn(file []byte, reg name.Registry, repo string) (types.AuthConfig, error) {
	c, err := config.LoadFromReader(bytes.NewReader(file))
	if err != nil {
		return types.AuthConfig{}, errors.New("malformed") // the error may quote what it could not read
	}
	host := reg.RegistryStr()
	keys := []string{host}
	if host == name.DefaultRegistry {
		keys = []string{authn.DefaultAuthKey, host, strings.TrimPrefix(host, "index.")}
	}
	for path := "/" + repo; ; path = path[:strings.LastIndexByte(path, '/')] {
		for _, key := range keys {
			for have, found := range c.AuthConfigs {
				if bareKey(have) == bareKey(key)+path && given(found) {
					return found, nil
				}
			}
		}
		if path == "" {
			break
		}
	}
	for _, key := range keys {
		helper := c.CredentialsStore
		if own := c.CredentialHelpers[key]; own != "" {
			helper = own
		}
		if helper == "" {
			continue
		}
		found, err := credentials.NewNativeStore(c, helper).Get(key)
		if err != nil {
			return types.AuthConfig{}, withoutOutput(err)
		}
		if given(found) {
			return found, nil
		}
	}
	return types.AuthConfig{}, nil
}

// given tells an entry that says something.
func given(c types.AuthConfig) bool {
	return c.Username != "" || c.IdentityToken != "" || c.RegistryToken != ""
}

// bareKey is the host and path of a key: older ones are addresses of the registry's API.
func bareKey(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimSuffix(key, "/")
	return strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
}

// withoutOutput cuts what a credential helper printed off its error.
func withoutOutput(err error) error {
	text, _, _ := strings.Cut(err.Error(), ", out:")
	return errors.New(strings.Join(strings.Fields(text), " "))
}
