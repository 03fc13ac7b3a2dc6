package binary

import (
	"cmp"
	"slices"

	"github.com/imgaudit/imgaudit/internal/secret"
)

// maxSecrets is how many secrets of a program are kept.
const maxSecrets = 64

// readSecrets looks at the data of the program once, as far as it can be read. What is in the code is no text.
func (b *Binary) readSecrets(p *program) {
	for _, part := range p.m.data(p.fns.table) {
		base := p.m.fileOffset(part.start)
		// What cannot be read holds no secret that the program could use.
		_ = p.m.walk(part.start, part.end-part.start, secret.Reach, func(address uint64, text []byte, n int) {
			secret.Find(text, n, func(shape string, at int) {
				if shape != secret.AWSKeyID && len(b.Secrets) < maxSecrets {
					b.Secrets = append(b.Secrets, Secret{Shape: shape, Offset: base + int64(address-part.start) + int64(at)})
				}
			})
		})
	}
	slices.SortFunc(b.Secrets, func(x, y Secret) int { return cmp.Compare(x.Offset, y.Offset) })
}
