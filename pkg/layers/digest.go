package layers

import "context"

// Digest asks the registry what an image's name means today: the digest of the index, or of the manifest where there is
// no index.
func Digest(ctx context.Context, name string, opt Options) (string, error) {
	_, d, err := findInRegistry(ctx, name, opt)
	if err != nil {
		return "", clean(err)
	}
	return d.Digest, nil
}
