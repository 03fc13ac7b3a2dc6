package layers

import "strings"

// getenv returns the value of a variable of a process started with env, and whether it is set: of two, the last wins,
// as Go's os.Getenv and runc have it.
func getenv(env []string, key string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == key {
			return v, true
		}
	}
	return "", false
}
